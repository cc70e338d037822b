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

    const addCopyButtons = (figure, say) => {
        for (const code of figure.querySelectorAll(".terminal-runs code")) {
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
        const lines = [...list.children];
        let shown = lines.length;
        let timer = null;

        const bar = make("div", "terminal-player", "");
        const caption = figure.querySelector("figcaption").textContent;
        bar.setAttribute("role", "toolbar");
        bar.setAttribute("aria-label", `Play: ${caption}`);
        const play = make("button", "terminal-play", "Play");
        const step = make("button", "", "Step");
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
            follow();
        };

        // Keeps the newest line in sight: inside a list that scrolls, or on
        // the page, if the reader was looking at the line before it.
        const follow = () => {
            const line = lines[shown - 1];
            if (list.scrollHeight > list.clientHeight + 1) {
                if (shown === 0) list.scrollTop = 0;
                if (!line || shown === lines.length && timer === null) return;
                const frame = list.getBoundingClientRect();
                const box = line.getBoundingClientRect();
                if (box.bottom > frame.bottom) {
                    list.scrollTop += box.bottom - frame.bottom + 4;
                } else if (box.top < frame.top) {
                    list.scrollTop -= frame.top - box.top + 4;
                }
            } else if (line && shown > 1 && shown < lines.length) {
                const before = lines[shown - 2].getBoundingClientRect();
                if (before.top >= 0 && before.bottom <= innerHeight) {
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
            show(shown + 1);
            if (shown < lines.length) {
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
        step.addEventListener("click", () => {
            pause();
            show(shown === lines.length ? 1 : shown + 1);
            say(spoken());
        });
        back.addEventListener("click", () => {
            pause();
            show(Math.max(shown - 1, 0));
            say(spoken());
        });
        all.addEventListener("click", () => {
            pause();
            show(lines.length);
            say("All lines are shown");
        });

        // One stop for the Tab key, and the arrows inside: a page has many
        // demos. The book itself turns pages with the arrows.
        const buttons = [play, step, back, all];
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
        list.before(bar);
        const heads = figure.querySelector(".terminal-heads");
        heads?.before(bar);
        addCopyButtons(figure, say);
        place.textContent = `${shown} / ${lines.length}`;

        if (figure.closest(".autoplay")) {
            // Its list scrolls, so it must be reachable.
            list.tabIndex = 0;
            list.setAttribute("aria-label", "The lines of the demo");
            const seen = new IntersectionObserver((entries) => {
                if (!entries.some((entry) => entry.isIntersecting)) return;
                seen.disconnect();
                if (!stillness.matches && timer === null) start();
            }, { threshold: 0.3 });
            seen.observe(figure);
            bar.addEventListener("click", () => seen.disconnect());
        }
        addEventListener("beforeprint", () => {
            pause();
            show(lines.length);
        });
    };

    document.querySelectorAll("figure.terminals").forEach(addPlayer);
})();
