// Looks at the built book as its readers do, in a headless browser, and prints
// one line a check.
//
//     node check.mjs BOOK CRATES [SCREENSHOTS]
//
// BOOK is the folder that mdBook wrote, CRATES the sections' folder: from there
// come the programs that the search must find. With a third folder, a picture
// of every page is left there.

import { createServer } from "node:http";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { extname, join, normalize, resolve } from "node:path";
import { axe, browser, COLOURS, failed, report, SIZES } from "./browser.mjs";

// mdBook's own scripts and styles are 160 KB of it; a section adds some 1.3 KB,
// its row in the table and its lines in the table of contents.
const FRONT_PAGE_BYTES = 310_000;
const SHEETS = 12; // of A4, for a section's page
const SEARCH_BYTES = 1_000_000;
const LONGEST = 900; // seconds for a check

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

// What people search for, and the page that must come first.
const SEARCHES = {
    "redis": "redis-pubsub.html",
    "pub sub": ["redis-pubsub.html", "zmq-pubsub.html"],
    "zmq.PUB": "zmq-pubsub.html",
    "recvfrom": "udp-echo.html",
    "gethostbyname": "dns.html",
    "sendto": "udp-echo.html",
    "connection refused": "troubles.html",
    "TIME_WAIT": "tcp-echo",
    "slow joiner": "zmq-pubsub.html",
    "smtplib": "email.html",
    "reqwest": "http-api.html",
    "fastapi": "http-api.html",
    "loopback": "internet.html",
    "NAT": "internet.html",
};

// The search leads from words to the page that is about them.
async function words() {
    const problems = [];
    const context = await open();
    const page = await context.newPage();
    for (const [word, expected] of Object.entries(SEARCHES)) {
        await page.goto(`${origin}/404.html`);
        await page.goto(`${origin}/index.html?search=${encodeURIComponent(word)}`);
        const first = page.locator("#mdbook-searchresults a").first();
        const address = await first.getAttribute("href", { timeout: 5000 })
            .catch(() => "nothing");
        if (![expected].flat().some((one) => address.startsWith(one))) {
            problems.push(`'${word}' leads to ${address}, not to ${expected}`);
        }
        const teaser = await page.locator("#mdbook-searchresults .teaser").first()
            .innerText().catch(() => "");
        if (teaser.trim().length < 20) problems.push(`'${word}': no excerpt`);
    }
    const bytes = readFileSync(join(book, "search.js")).length;
    if (bytes > SEARCH_BYTES) problems.push(`the index has ${bytes} bytes`);
    await context.close();
    report("the right page comes first", `${Object.keys(SEARCHES).length} searches in `
        + `${Math.round(bytes / 1000)} KB`, problems);
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

// While a demo plays, its newest line is in the window, and so is a question
// that it asks; its arrows lead from causes to effects.
async function plays() {
    const lost = [];
    const astray = [];
    let played = 0;
    let arrows = 0;
    for (const viewport of [{ width: 1280, height: 900 }, { width: 390, height: 844 }]) {
        const context = await open({ viewport });
        const page = await context.newPage();
        for (const name of demos) {
            await page.goto(`${origin}/${name}`);
            const found = await page.evaluate(async () => {
                const frame = () => new Promise((done) => requestAnimationFrame(done));
                const lost = [];
                const astray = [];
                let arrows = 0;
                for (const fold of document.querySelectorAll("main details")) fold.open = true;
                await document.fonts.ready;
                await frame();
                const main = document.querySelector("main");
                const figures = [...document.querySelectorAll("figure.terminals")];
                // Room to scroll on both sides.
                main.style.paddingBlock = "1000px";
                for (const [number, figure] of figures.entries()) {
                    // The rest of the page would be laid out anew at each step.
                    for (const child of main.children) {
                        child.style.display = child.contains(figure) ? "" : "none";
                    }
                    await frame();
                    const what = `demo ${number + 1}`;
                    const button = (text) => [...figure.querySelectorAll(".terminal-player button")]
                        .find((one) => one.textContent === text);
                    const lines = [...figure.querySelectorAll(".terminal-lines > li")];
                    button("Show all").click();
                    figure.querySelector(".terminal-player").scrollIntoView({ block: "start" });
                    scrollBy(0, -60);
                    for (let count = 1; count <= lines.length; count += 1) {
                        button("Step").click();
                        const box = lines[count - 1].getBoundingClientRect();
                        if (box.top < -1 || box.bottom > innerHeight + 1) {
                            lost.push(`${what}: line ${count} of ${lines.length}`);
                            break;
                        }
                    }
                    // Both ends of each arrow are beside the lines they mean.
                    const sheet = figure.querySelector(".terminal-arrows");
                    const corner = figure.querySelector(".terminal-lines").getBoundingClientRect();
                    const wanted = lines.filter((line) => line.dataset.from).length;
                    const drawn = [...(sheet?.querySelectorAll(".arrow") ?? [])];
                    if (drawn.length !== wanted) {
                        astray.push(`${what}: ${drawn.length} arrows of ${wanted}`);
                    }
                    const crosses = sheet?.querySelectorAll(".unheard").length ?? 0;
                    const unheard = lines.filter((line) => "unheard" in line.dataset).length;
                    if (crosses !== unheard) astray.push(`${what}: ${crosses} crosses of ${unheard}`);
                    for (const one of drawn) {
                        arrows += 1;
                        const beside = (point, line, what) => {
                            const box = line.querySelector("code").getBoundingClientRect();
                            const y = point.y + corner.top;
                            const x = point.x + corner.left;
                            return y >= box.top - 2 && y <= box.bottom + 2
                                && x >= box.left - 40 && x <= corner.right + 40;
                        };
                        const [line, tip] = one.querySelectorAll("path");
                        const start = line.getPointAtLength(0);
                        const end = tip.getPointAtLength(0);
                        if (!beside(start, lines[one.dataset.from - 1])
                            || !beside(end, lines[one.dataset.to - 1])) {
                            astray.push(`${what}: from ${one.dataset.from} to ${one.dataset.to}`);
                        }
                    }
                }
                return { lost, astray, arrows, played: figures.length };
            });
            const view = `${name} ${viewport.width}`;
            lost.push(...found.lost.map((one) => `${view}, ${one}`));
            astray.push(...found.astray.map((one) => `${view}, ${one}`));
            played += found.played;
            arrows += found.arrows;
        }
        await context.close();
    }
    report("the newest line is in the window", `${played} plays`, lost);
    report("arrows lead from causes to effects", `${arrows} arrows`, astray);
}

// No table and no terminal is cut off, in four widths.
async function cut() {
    const problems = [];
    let looked = 0;
    for (const width of [1280, 1024, 768, 390]) {
        const context = await open(
            { viewport: { width, height: 900 }, reducedMotion: "reduce" });
        const page = await context.newPage();
        for (const name of pages) {
            await page.goto(`${origin}/${name}`);
            const found = await page.evaluate(() => {
                for (const fold of document.querySelectorAll("main details")) fold.open = true;
                const problems = [];
                const boxes = [...document.querySelectorAll(
                    "main .table-wrapper, .terminal-screen")];
                for (const box of boxes) {
                    const out = box.scrollWidth - box.clientWidth;
                    if (out > 1) {
                        problems.push(`${out} px of '${box.innerText.slice(0, 40).replace(/\s+/g, " ")}'`);
                    }
                }
                // A line of a table that runs out of its terminal.
                for (const code of document.querySelectorAll(".tabular > code")) {
                    const screen = code.closest(".terminal-screen").getBoundingClientRect();
                    const over = code.getBoundingClientRect().right - screen.right;
                    if (over > 0) problems.push(`${Math.ceil(over)} px of a line '${code.textContent.slice(0, 30)}'`);
                    if (code.getClientRects().length > 1) problems.push(`wrapped: '${code.textContent.slice(0, 30)}'`);
                }
                return { problems, boxes: boxes.length };
            });
            problems.push(...found.problems.map((one) => `${name} ${width}: ${one}`));
            looked += found.boxes;
        }
        await context.close();
    }
    report("no table and no terminal is cut off", `${looked} of them`, problems);
}

// A question in a play is answered by keyboard, wrongly first.
async function predictions() {
    const problems = [];
    let asked = 0;
    for (const name of demos) {
        const context = await open({ reducedMotion: "reduce" });
        const page = await context.newPage();
        await page.goto(`${origin}/${name}`);
        const panels = page.locator(".predict-panel");
        while (await panels.count() > 0) {
            asked += 1;
            const figure = page.locator("figure.terminals", { has: page.locator(".predict-panel") }).first();
            // Its panel goes, and it must still be found.
            const asking = await figure.evaluateHandle((element) => element);
            const shown = () => asking.evaluate((element) =>
                element.querySelectorAll(".terminal-lines > li:not(.later)").length);
            const before = await shown();
            let tries = 0;
            const open = () => asking.evaluate((element) => {
                const button = element.querySelector(".predict-panel button:enabled");
                button?.focus();
                return Boolean(button);
            });
            while (tries < 4 && await open()) {
                tries += 1;
                await page.keyboard.press("Enter");
            }
            const after = await shown();
            if (after !== before + 1) {
                problems.push(`${name}: the answer shows ${after - before} lines`);
                break;
            }
        }
        await context.close();
    }
    report("predictions by keyboard", `${asked} questions`, problems);
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

const sheetsOf = async (page) => {
    const pdf = await page.pdf({ format: "A4", printBackground: false });
    return pdf.toString("latin1").match(/\/Type \/Page\b(?!s)/g)?.length ?? 0;
};

// All pages on paper, and no section longer than somebody would print.
async function paper() {
    const problems = [];
    const context = await open();
    const page = await context.newPage();
    await page.goto(`${origin}/print.html`, { waitUntil: "load" });
    const sheets = await sheetsOf(page);
    const words = await page.locator("main").innerText();
    for (const name of sections) {
        const title = await page.locator(`main h1[id="${name}"]`).count();
        if (title !== 1) problems.push(`${name} is not printed`);
    }
    if (sheets < sections.length) problems.push(`only ${sheets} sheets`);
    if (words.length < 10_000) problems.push(`only ${words.length} letters`);
    let longest = 0;
    for (const name of sections) {
        await page.goto(`${origin}/${name}.html`, { waitUntil: "load" });
        const own = await sheetsOf(page);
        longest = Math.max(longest, own);
        if (own > SHEETS) problems.push(`${name}: ${own} sheets`);
    }
    await context.close();
    report("print.html becomes a PDF", `${sheets} sheets, ${longest} for a section`,
        problems);
}

try {
    for (const check of
        [everyPage, front, search, words, plays, cut, predictions,
            keyboard, motion, withoutScript, paper]) {
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
