// Plays the terminals of a demo, line by line, and copies its commands.
// Without this file the page shows all lines at once, and nothing is missing.
(() => {
    "use strict";

    const PACE = 700; // milliseconds from line to line
    const stillness = matchMedia("(prefers-reduced-motion: reduce)");

    const make = (tag, className, text) => {
        const element = document.createElement(tag);
        element.className = className;
        element.textContent = text;
        if (tag === "button") element.type = "button";
        return element;
    };

    const copy = async (text) => {
        if (navigator.clipboard) return navigator.clipboard.writeText(text);
        // A page that came without TLS has no clipboard, but this.
        const area = make("textarea", "", "");
        area.value = text;
        document.body.append(area);
        area.select();
        const copied = document.execCommand("copy");
        area.remove();
        if (!copied) throw new Error("the browser did not copy");
    };

    const addCopyButtons = (fold, say) => {
        for (const code of fold.querySelectorAll("code")) {
            const command = code.textContent;
            const button = make("button", "terminal-copy", "Copy");
            button.setAttribute("aria-label", `Copy ${command}`);
            button.addEventListener("click", async () => {
                const focused = document.activeElement;
                try {
                    await copy(command);
                    button.textContent = "Copied";
                    say(`Copied ${command}`);
                } catch {
                    button.textContent = "Not copied";
                    say("Not copied");
                }
                focused?.focus();
                setTimeout(() => { button.textContent = "Copy"; }, 2000);
            });
            code.after(button);
        }
    };

    const addPlayer = (figure) => {
        const list = figure.querySelector(".terminal-lines");
        const screen = figure.querySelector(".terminal-screen");
        const lines = [...list.children];
        let shown = lines.length;
        let timer = null;

        const bar = make("div", "terminal-player", "");
        const caption = figure.querySelector("figcaption").textContent;
        bar.setAttribute("role", "toolbar");
        bar.setAttribute("aria-label", `Play: ${caption}`);
        const play = make("button", "terminal-play", "Play");
        const forth = make("button", "", "Step");
        const back = make("button", "", "Back");
        const all = make("button", "", "Show all");
        const place = make("span", "terminal-place", "");
        place.setAttribute("aria-hidden", "true");
        // Says what a press did. While lines come by themselves it is silent:
        // one a moment is more than anybody can listen to.
        const status = make("span", "terminal-status", "");
        status.setAttribute("role", "status");
        const say = (text) => { status.textContent = text; };

        // Lines to come keep their place: nothing on the page jumps.
        const show = (count) => {
            shown = count;
            const whole = count === lines.length && timer === null;
            lines.forEach((line, index) => {
                line.classList.toggle("later", index >= count);
                line.classList.toggle("now", !whole && index === count - 1);
            });
            place.textContent = `${count} / ${lines.length}`;
            ask();
            follow();
            figure.dispatchEvent(new Event("lines-shown"));
        };

        // The question stands where the next line will be.
        const ask = () => {
            const open = asked?.open() && shown === asked.at;
            if (!open) return asked?.panel.remove();
            if (!asked.panel.isConnected) screen.append(asked.panel);
            makeRoom();
        };
        const makeRoom = () => {
            if (!asked.panel.isConnected) return;
            const next = lines[shown] ?? list.lastElementChild;
            asked.panel.style.top = `${next.offsetTop}px`;
            screen.style.minHeight =
                `${next.offsetTop + asked.panel.offsetHeight + 12}px`;
        };
        // How far lines may be shown before the question has its answer.
        const limit = (count) =>
            asked?.open() && count > asked.at && shown <= asked.at
                ? asked.at : count;

        // Keeps the newest line in sight: inside a list that scrolls, or on
        // the page, if the reader was looking at the line before it.
        const follow = () => {
            const line = asked?.panel.isConnected
                ? asked.panel : lines[shown - 1];
            if (screen.scrollHeight > screen.clientHeight + 1) {
                if (shown === 0) screen.scrollTop = 0;
                if (!line || shown === lines.length && timer === null) return;
                const frame = screen.getBoundingClientRect();
                const box = line.getBoundingClientRect();
                if (box.bottom > frame.bottom) {
                    screen.scrollTop += box.bottom - frame.bottom + 4;
                } else if (box.top < frame.top) {
                    screen.scrollTop -= frame.top - box.top + 4;
                }
            } else if (line && shown > 1) {
                const before = lines[shown - 2].getBoundingClientRect();
                // A pixel of tolerance: places are fractions of pixels.
                if (before.top >= -1 && before.bottom <= innerHeight + 1) {
                    line.scrollIntoView({ block: "nearest" });
                }
            }
        };

        const pause = () => {
            clearTimeout(timer);
            timer = null;
            play.textContent = "Play";
        };
        const next = () => {
            show(limit(shown + 1));
            if (asked?.panel.isConnected) {
                pause();
                say(`${asked.panel.getAttribute("aria-label")} Three answers`);
            } else if (shown < lines.length) {
                timer = setTimeout(next, PACE);
            } else {
                pause();
                show(shown);
                say("All lines are shown");
            }
        };
        const start = () => {
            play.textContent = "Pause";
            timer = setTimeout(next, PACE);
            if (shown === lines.length) show(1);
        };
        const step = () => {
            pause();
            show(shown === lines.length ? 1 : limit(shown + 1));
            say(asked?.panel.isConnected
                ? asked.panel.getAttribute("aria-label") : spoken());
        };
        const stepBack = () => {
            pause();
            show(Math.max(shown - 1, 0));
            say(spoken());
        };
        const spoken = () => {
            const line = lines[shown - 1];
            if (!line) return "No line is shown";
            const [who, what] = [line.children[0], line.children[1]];
            return `${who.textContent}: ${what.textContent}`;
        };

        play.addEventListener("click", () => {
            if (timer === null) {
                start();
                say("Playing");
            } else {
                pause();
                say(`Paused at line ${shown} of ${lines.length}`);
            }
        });
        forth.addEventListener("click", step);
        back.addEventListener("click", stepBack);
        all.addEventListener("click", () => {
            pause();
            asked?.skip();
            show(lines.length);
            say("All lines are shown");
        });
        // Whoever has clicked into the terminal steps by the arrows. The book
        // itself turns pages with them.
        list.tabIndex = -1;
        screen.addEventListener("keydown", (event) => {
            const act = { ArrowRight: step, ArrowLeft: stepBack }[event.key];
            if (!act || event.altKey || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            event.stopPropagation();
            act();
        });

        // One stop for the Tab key, and the arrows inside: a page has many
        // demos. The book itself turns pages with the arrows.
        const buttons = [play, forth, back, all];
        const reach = (wanted) => {
            for (const button of buttons) {
                button.tabIndex = button === wanted ? 0 : -1;
            }
        };
        const usable = () => buttons.filter((button) => !button.hidden);
        bar.addEventListener("focusin", (event) => {
            if (buttons.includes(event.target)) reach(event.target);
        });
        bar.addEventListener("keydown", (event) => {
            const here = usable();
            const at = here.indexOf(document.activeElement);
            const to = {
                ArrowRight: (at + 1) % here.length,
                ArrowLeft: (at + here.length - 1) % here.length,
                Home: 0,
                End: here.length - 1,
            }[event.key];
            if (at < 0 || to === undefined || event.altKey) return;
            event.preventDefault();
            event.stopPropagation();
            here[to].focus();
        });

        // Who wants no motion gets none, and steps at their own pace.
        const settle = () => {
            if (stillness.matches && timer !== null) pause();
            play.hidden = stillness.matches;
            reach(usable()[0]);
        };
        stillness.addEventListener("change", settle);
        settle();

        bar.append(...buttons, place, status);
        const fold = figure.querySelector(".terminal-runs");
        fold.before(bar);
        fold.addEventListener("toggle", () => {
            if (!fold.querySelector(".terminal-copy")) addCopyButtons(fold, say);
        });
        const asked = globalThis.question?.(figure, () => show(shown + 1), say);
        if (asked) {
            // Both get higher when a font arrives, or the window gets narrower.
            const watch = new ResizeObserver(makeRoom);
            watch.observe(asked.panel);
            watch.observe(list);
            show(asked.at);
        } else {
            place.textContent = `${shown} / ${lines.length}`;
        }

        if (figure.closest(".autoplay")) {
            // It scrolls, so it must be reachable.
            screen.tabIndex = 0;
            screen.setAttribute("role", "region");
            screen.setAttribute("aria-label", "The lines of the demo");
            const seen = new IntersectionObserver((entries) => {
                if (!entries.some((entry) => entry.isIntersecting)) return;
                seen.disconnect();
                if (!stillness.matches && timer === null) start();
            }, { threshold: 0.3 });
            seen.observe(figure);
            bar.addEventListener("click", () => seen.disconnect());
        }
        // Not by show, which looks where things are: for hundreds of demos on
        // one page the browser would lay it out as often.
        addEventListener("beforeprint", () => {
            pause();
            asked?.skip();
            shown = lines.length;
            for (const line of lines) line.classList.remove("later", "now");
            place.textContent = `${shown} / ${lines.length}`;
        });
    };

    document.querySelectorAll("figure.terminals").forEach(addPlayer);
})();
