// What the checks share: a headless browser, axe, and a line for each check.
// CHROMIUM names the browser, if it is not where Debian puts it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];
export const COLOURS = ["light", "dark"];

export const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    ],
});
export const axe = readFileSync(
    createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export let failed = false;
const begin = performance.now();
export function report(check, count, problems) {
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    const found = [...new Set(problems)];
    const verdict = found.length === 0 ? "well" : `${found.length} PROBLEMS`;
    console.log(`${check}: ${count}: ${verdict} (after ${seconds} s)`);
    for (const problem of found) console.log(`    ${problem}`);
    failed ||= found.length > 0 || Number.parseInt(count, 10) === 0;
}
