// Looks at the built book as its readers do, in a headless browser, and prints
// one line a check.
//
//     node check.mjs BOOK CRATES [SCREENSHOTS]
//
// BOOK is the folder that mdBook wrote, CRATES the sections' folder: from there
// come the programs that the search must find. With a third folder, a picture
// of every page is left there. CHROMIUM names the browser, if it is not where
// Debian puts it.

import { createServer } from "node:http";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join, normalize, resolve } from "node:path";
import { chromium } from "playwright-core";

const FRONT_PAGE_BYTES = 300_000;
const LONGEST = 900; // seconds for a check
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];
const COLOURS = ["light", "dark"];

const [book, crates, pictures] = process.argv.slice(2).map((one) => resolve(one));
if (!book || !crates) {
    console.error("usage: node check.mjs BOOK CRATES [SCREENSHOTS]");
    process.exit(2);
}
if (pictures) mkdirSync(pictures, { recursive: true });

const html = readdirSync(book).filter((name) => name.endsWith(".html"));
// The table of contents as a page of its own is what mdBook frames without
// script; print.html is looked at as paper.
// The first chapter is index.html under another name.
const index = readFileSync(join(book, "index.html"), "utf8");
const pages = html.filter((name) => !["toc.html", "print.html"].includes(name)
    && (name === "index.html" || readFileSync(join(book, name), "utf8") !== index));
const sections = readdirSync(crates)
    .filter((name) => existsSync(join(book, `${name}.html`)));
const demos = pages.filter((name) =>
    readFileSync(join(book, name), "utf8").includes("<figure class=\"terminals\""));

// The book, on a port of the system's choice.
const types = {
    ".css": "text/css", ".html": "text/html; charset=utf-8",
    ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
};
const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const name = pathname === "/" ? "index.html" : decodeURIComponent(pathname);
    const path = normalize(join(book, name));
    if (!path.startsWith(book) || !existsSync(path)) {
        response.writeHead(404).end();
        return;
    }
    response.setHeader("Content-Type", types[extname(path)] ?? "text/plain");
    response.end(readFileSync(path));
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    ],
});
const axe = readFileSync(
    createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What the pages of a context did that they should not do.
const errors = [];
const foreign = [];
const loaded = [];
async function open(options = {}) {
    const context = await browser.newContext({
        viewport: SIZES[0], colorScheme: "light",
        reducedMotion: "no-preference", ...options,
    });
    context.on("request", (request) => {
        const { protocol } = new URL(request.url());
        if (protocol === "data:" || protocol === "blob:") return;
        loaded.push(request.url());
        if (!request.url().startsWith(`${origin}/`)) {
            foreign.push(`${request.frame().url()} asks for ${request.url()}`);
        }
    });
    context.on("console", (message) => {
        if (message.type() === "error") {
            errors.push(`${message.page()?.url()}: ${message.text()}`);
        }
    });
    context.on("weberror", (error) => {
        errors.push(`${error.page()?.url()}: ${error.error().message}`);
    });
    return context;
}

let failed = false;
const begin = performance.now();
function report(check, count, problems) {
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    const found = [...new Set(problems)];
    const verdict = found.length === 0 ? "well" : `${found.length} PROBLEMS`;
    console.log(`${check}: ${count}: ${verdict} (after ${seconds} s)`);
    for (const problem of found) console.log(`    ${problem}`);
    failed ||= found.length > 0 || Number.parseInt(count, 10) === 0;
}

// Every page in every size and colour: axe, and what sticks out sideways.
async function everyPage() {
    const violations = [];
    const wide = [];
    let views = 0;
    const look = async (viewport, colorScheme) => {
        // Demos that play by themselves would be caught half-way.
        const context = await open(
            { viewport, colorScheme, reducedMotion: "reduce" });
        const page = await context.newPage();
        for (const name of pages) {
            const view = `${name} ${viewport.width} ${colorScheme}`;
            await page.goto(`${origin}/${name}`, { waitUntil: "load" });
            // What a page folds away is checked, too.
            await page.evaluate(() => {
                for (const fold of document.querySelectorAll("main details")) {
                    fold.open = true;
                }
            });
            // Two frames: the size observers have run then.
            await page.evaluate(() => new Promise((done) => {
                requestAnimationFrame(() => requestAnimationFrame(done));
            }));
            const out = await page.evaluate(() => {
                const widest = (element) =>
                    element ? element.scrollWidth - element.clientWidth : 0;
                return Math.max(widest(document.documentElement),
                    widest(document.querySelector("main")));
            });
            if (out > 0) wide.push(`${view}: ${out} px too wide`);
            await page.evaluate(axe);
            // The colours of source code are the same in every size, and
            // there are thousands of words in them: once is enough.
            const exclude = viewport === SIZES[0] ? [] : ["pre > code > span"];
            const result = await page.evaluate((exclude) => globalThis.axe.run(
                { include: [document], exclude }, { resultTypes: ["violations"] }),
            exclude);
            for (const violation of result.violations) {
                for (const node of violation.nodes.slice(0, 3)) {
                    violations.push(
                        `${view}: ${violation.id}: ${node.target.join(" ")}: `
                        + `${node.failureSummary.split("\n").at(1) ?? ""}`);
                }
            }
            if (pictures) {
                await page.evaluate(() => {
                    for (const fold of document.querySelectorAll("main details")) {
                        fold.open = false;
                    }
                });
                const file = view.replaceAll(" ", "-").replace(".html", "");
                await page.screenshot(
                    { path: join(pictures, `${file}.png`), fullPage: true });
            }
            views += 1;
        }
        await context.close();
    };
    // Both colours at a time: a machine with two cores is used then.
    for (const viewport of SIZES) {
        await Promise.all(COLOURS.map((colour) => look(viewport, colour)));
    }
    report("axe finds no violation", `${views} views of ${pages.length} pages`, violations);
    report("no page scrolls sideways", `${views} views`, wide);
}

// The search leads from a program's name to its section.
async function search() {
    const problems = [];
    let programs = 0;
    const context = await open();
    const page = await context.newPage();
    for (const section of sections) {
        // A section may have short programs only.
        const bin = join(crates, section, "src/bin");
        const examples = join(crates, section, "examples");
        const files = [
            ...existsSync(bin) ? readdirSync(bin) : [],
            ...existsSync(examples) ? readdirSync(examples)
                .filter((name) => name.startsWith("short-")) : [],
        ];
        for (const file of files) {
            const program = file.replace(/\.rs$/, "");
            programs += 1;
            await page.goto(`${origin}/404.html`);
            await page.goto(`${origin}/index.html?search=${program}`);
            const found = page.locator(
                `#mdbook-searchresults a[href*="${section}"]`);
            await found.first().waitFor({ state: "attached", timeout: 5000 })
                .catch(() => problems.push(`${program} does not lead to ${section}`));
        }
    }
    await context.close();
    report("the search finds programs by name", `${programs} programs`, problems);
}

const countShown = (page, figure) => page.evaluate((index) =>
    [...document.querySelectorAll("figure.terminals")[index]
        .querySelectorAll(".terminal-lines > li")]
        .filter((line) => getComputedStyle(line).visibility === "visible").length,
figure);

// The Tab key alone: every stop can be seen, every player can be operated.
async function keyboard() {
    const unseen = [];
    const problems = [];
    let stops = 0;
    let players = 0;
    for (const name of demos) {
        const context = await open();
        await context.grantPermissions(["clipboard-read", "clipboard-write"]);
        const page = await context.newPage();
        await page.clock.install();
        await page.goto(`${origin}/${name}`);
        const all = await page.locator("figure.terminals").count();
        const reached = new Set();
        for (let press = 0; press < 2000; press += 1) {
            await page.keyboard.press("Tab");
            const stop = await page.evaluate(() => {
                const element = document.activeElement;
                if (!element || element === document.body) return null;
                const first = !element.dataset.seen;
                element.dataset.seen = "yes";
                const style = getComputedStyle(element);
                const figures = [...document.querySelectorAll("figure.terminals")];
                const kind = ["terminal-play", "terminal-copy"]
                    .find((one) => element.classList.contains(one));
                return {
                    first, kind,
                    seen: style.outlineStyle !== "none"
                        && Number.parseFloat(style.outlineWidth) >= 1,
                    figure: figures.indexOf(element.closest("figure.terminals")),
                    // A fold that is closed would hide the players in it.
                    fold: element.tagName === "SUMMARY" && !element.parentElement.open,
                    what: `${element.tagName.toLowerCase()} `
                        + `${element.id || element.textContent.trim().slice(0, 40)}`,
                };
            });
            if (!stop || !stop.first) break;
            stops += 1;
            if (!stop.seen) unseen.push(`${name}: ${stop.what}`);
            if (stop.fold) await page.keyboard.press("Enter");
            if (stop.kind === "terminal-copy") {
                await page.keyboard.press("Enter");
                const [copied, shown] = await page.evaluate(async () => [
                    await navigator.clipboard.readText(),
                    document.activeElement.previousElementSibling.textContent,
                ]);
                if (copied !== shown) {
                    problems.push(`${name}: copied '${copied}', not '${shown}'`);
                }
            }
            if (stop.kind !== "terminal-play") continue;
            reached.add(stop.figure);
            const wrong = await operate(page, stop.figure)
                .catch((error) => error.message.split("\n")[0]);
            if (wrong) {
                problems.push(`${name}, demo ${stop.figure + 1}: ${wrong}`);
                // Who knows where the focus is now, or the page.
                break;
            }
        }
        if (reached.size !== all) {
            problems.push(`${name}: Tab reaches ${reached.size} of ${all} players`);
        }
        players += reached.size;
        await context.close();
    }
    report("focus is visible", `${stops} stops of the Tab key`, unseen);
    report("the keyboard plays demos", `${players} players`, problems);
}

// With the focus on a player's first button: says what goes wrong.
async function operate(page, figure) {
    const address = page.url();
    const total = await page.locator("figure.terminals").nth(figure)
        .locator(".terminal-lines > li").count();
    const shown = () => countShown(page, figure);
    const button = () => page.evaluate(() => document.activeElement.textContent);
    // One may be playing by itself.
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Home");
    if (await shown() !== total) return "does not show all lines";
    await page.keyboard.press("Enter");
    if (await button() !== "Pause") return "Play does not become Pause";
    if (await shown() !== 1) return "Play does not begin at the beginning";
    await page.clock.runFor(800);
    if (await shown() !== 2) return "the second line does not come";
    await page.keyboard.press("Enter");
    await page.clock.runFor(5000);
    if (await shown() !== 2) return "Pause does not pause";
    await page.keyboard.press("ArrowRight");
    if (await button() !== "Step") return "the arrow does not reach Step";
    await page.keyboard.press("Enter");
    if (await shown() !== Math.min(3, total)) return "Step does not step";
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
    if (await shown() !== Math.min(3, total) - 1) return "Back does not go back";
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    if (await shown() !== total) return "Show all does not show all";
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.clock.runFor(1000 * total);
    if (await shown() !== total) return "Play does not reach the end";
    if (await button() !== "Play") return "the end does not end";
    return page.url() === address ? null : "the arrows turned the page";
}

// The front page plays by itself where that is welcome, and nowhere else.
async function motion() {
    const problems = [];
    for (const reducedMotion of ["no-preference", "reduce"]) {
        const context = await open({ reducedMotion });
        const page = await context.newPage();
        await page.clock.install();
        await page.goto(`${origin}/index.html`);
        const total = await countShown(page, 0);
        const play = page.locator(".terminal-play").first();
        if (reducedMotion === "reduce") {
            await page.clock.runFor(5000);
            if (await countShown(page, 0) !== total) problems.push("lines move");
            if (await play.isVisible()) problems.push("motion is offered");
            await page.getByRole("button", { name: "Step" }).first().click();
            if (await countShown(page, 0) !== 1) problems.push("Step does not step");
            const moving = await page.evaluate(() => document.getAnimations().length);
            if (moving > 0) problems.push(`${moving} animations run`);
        } else {
            await page.locator(".terminal-play", { hasText: "Pause" }).waitFor()
                .catch(() => problems.push("the front page does not play"));
        }
        await context.close();
    }
    report("reduced motion is honoured", "2 wishes", problems);
}

// Without script every line is there.
async function withoutScript() {
    const problems = [];
    const context = await open({ javaScriptEnabled: false });
    const page = await context.newPage();
    for (const name of demos) {
        await page.goto(`${origin}/${name}`);
        const lines = page.locator(".terminal-lines > li");
        const hidden = await page.locator(".terminal-lines > li.later").count();
        if (await lines.count() === 0 || hidden > 0) {
            problems.push(`${name}: lines are missing`);
        }
        if (await page.locator(".terminal-player").count() > 0) {
            problems.push(`${name}: buttons that do nothing`);
        }
    }
    await context.close();
    report("without script all lines are there", `${demos.length} pages`, problems);
}

// The front page: light, and all in one screen.
async function front() {
    const problems = [];
    let bytes = 0;
    for (const viewport of SIZES) {
        const context = await open({ viewport });
        const page = await context.newPage();
        const sizes = [];
        page.on("response", (response) => {
            if (response.request().resourceType() !== "font") {
                sizes.push(response.body().then((body) => body.length, () => 0));
            }
        });
        await page.goto(`${origin}/index.html`, { waitUntil: "networkidle" });
        bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
        const bottom = await page.locator(".ways").evaluate((element) =>
            Math.ceil(element.getBoundingClientRect().bottom));
        if (bottom > viewport.height) {
            problems.push(`ends at ${bottom} of ${viewport.height} px`);
        }
        if (pictures) {
            await page.screenshot(
                { path: join(pictures, `front-${viewport.width}.png`) });
        }
        await context.close();
    }
    if (bytes > FRONT_PAGE_BYTES) problems.push("too heavy");
    report("the front page is light and fits one screen",
        `${Math.round(bytes / 1000)} KB without fonts`, problems);
}

// All pages on paper.
async function paper() {
    const problems = [];
    const context = await open();
    const page = await context.newPage();
    await page.goto(`${origin}/print.html`, { waitUntil: "load" });
    const pdf = await page.pdf({ format: "A4", printBackground: false });
    const sheets = pdf.toString("latin1").match(/\/Type \/Page\b(?!s)/g)?.length ?? 0;
    const words = await page.locator("main").innerText();
    for (const name of sections) {
        const title = await page.locator(`main h1[id="${name}"]`).count();
        if (title !== 1) problems.push(`${name} is not printed`);
    }
    if (sheets < sections.length) problems.push(`only ${sheets} sheets`);
    if (words.length < 10_000) problems.push(`only ${words.length} letters`);
    await context.close();
    report("print.html becomes a PDF", `${sheets} sheets`, problems);
}

try {
    for (const check of
        [everyPage, front, search, keyboard, motion, withoutScript, paper]) {
        // A browser that hangs is a failure, too, and not for ever.
        let late;
        const limit = new Promise((_, fail) => {
            late = setTimeout(
                () => fail(new Error(`no end after ${LONGEST} s`)), LONGEST * 1000);
        });
        await Promise.race([check(), limit])
            .catch((error) => report(check.name, "0", [error.message.split("\n")[0]]));
        clearTimeout(late);
    }
    report("no page reports an error", `${loaded.length} requests`, errors);
    report("no page asks another host", `${loaded.length} requests`, foreign);
} finally {
    await browser.close();
    server.close();
}
process.exit(failed ? 1 : 0);
