// Looks at the page of cats-server as a person does, in a headless browser, and
// prints one line a check: a hat changes on the page while it is open, a form
// adds a cat, a wrong one says why, and axe finds nothing.
//
//     node cats.mjs CATS_SERVER [SCREENSHOTS]
//
// CATS_SERVER is the program.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { axe, browser, COLOURS, failed, report, SIZES } from "./browser.mjs";

const [program, pictures] = process.argv.slice(2);
if (!program) {
    console.error("usage: node cats.mjs CATS_SERVER [SCREENSHOTS]");
    process.exit(2);
}
if (pictures) mkdirSync(pictures, { recursive: true });

const server = spawn(resolve(program), ["127.0.0.1:0"],
    { stdio: ["ignore", "pipe", "inherit"] });
// It says where it is when it is ready.
const ready = await new Promise((line, fail) => {
    createInterface(server.stdout).once("line", line);
    server.once("exit", () => fail(new Error("cats-server has ended")));
});
const origin = ready.split(" ").pop().replace(/\/$/, "");

let views = 0;
const violations = [];
async function look(page, name) {
    // Our policy allows no foreign script: axe comes past it, by the debugger.
    await page.evaluate(axe);
    const result = await page.evaluate(() => globalThis.axe.run());
    for (const one of result.violations) {
        violations.push(`${name}: ${one.id}: ${one.nodes[0].target.join(" ")}`);
    }
    const out = await page.evaluate(() =>
        document.documentElement.scrollWidth - innerWidth);
    if (out > 0) violations.push(`${name}: ${out} px too wide`);
    if (pictures) {
        await page.screenshot(
            { path: join(pictures, `${name.replaceAll(" ", "-")}.png`) });
    }
    views += 1;
}

const api = (method, cat, hat, tag) => fetch(`${origin}/cats/${cat}`, {
    method, body: hat && JSON.stringify({ hat }),
    headers: { "Content-Type": "application/json", ...tag && { "If-Match": tag } },
});

async function play(viewport, colorScheme) {
    const size = `${viewport.width} ${colorScheme}`;
    const errors = [];
    const problems = [];
    const context = await browser.newContext({ viewport, colorScheme });
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
        // Of the forms that are refused on purpose, the browser tells, too.
        const refused = message.text().includes("status of 4");
        if (message.type() === "error" && !refused) errors.push(message.text());
    });

    await page.goto(`${origin}/`);
    await page.locator("html[data-live]").waitFor();
    await look(page, `list ${size}`);
    // A program changes a hat, and the page that is open shows it.
    const hat = `hat ${size} <b>`;
    const shown = page.locator('[data-cat="catA"] .hat');
    const before = await shown.innerText();
    const { headers } = await api("GET", "catA");
    const answer = await api("PUT", "catA", hat, headers.get("etag"));
    if (answer.status !== 200) problems.push(`the API says ${answer.status}`);
    await shown.filter({ hasText: hat }).waitFor();
    if (before === await shown.innerText()) problems.push("the hat is the same");

    // A person adds a cat. The same one again is refused, in words.
    const name = `cat ${size}`;
    const add = async () => {
        await page.getByLabel("Name").fill(name);
        await page.getByLabel("Hat").fill("hatC");
        await page.getByRole("button", { name: "Add the cat" }).click();
    };
    await add();
    await page.getByRole("link", { name, exact: true }).waitFor();
    await add();
    await page.getByRole("alert").filter({ hasText: "already" }).waitFor();
    await look(page, `refused ${size}`);

    // And changes its hat, on its own page, and removes it.
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByLabel("Another hat").fill("hatD");
    await look(page, `cat ${size}`);
    await page.getByRole("button", { name: "Change the hat" }).click();
    await page.locator(`[data-cat="${name}"] .hat`, { hasText: "hatD" }).waitFor();
    await page.locator("html[data-live]").waitFor();
    await api("DELETE", encodeURIComponent(name));
    await page.locator(`[data-cat="${name}"]`).waitFor({ state: "detached" });

    await context.close();
    report(`hats change, cats come and go (${size})`, 5, [...problems, ...errors]);
}

try {
    for (const viewport of SIZES) {
        for (const colour of COLOURS) {
            await play(viewport, colour).catch((error) =>
                report(`${viewport.width} ${colour}`, 0, [error.message]));
        }
    }
    report("axe finds no violation on the pages of cats-server", views, violations);
} finally {
    await browser.close();
    const ended = new Promise((code) => server.once("exit", code));
    server.kill("SIGTERM");
    const code = await ended;
    report("cats-server ends", 1, code === 0 ? [] : [`exit code ${code}`]);
}
process.exit(failed ? 1 : 0);
