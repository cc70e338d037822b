// A demo may stop at a line and ask what comes next. Without this file the
// question and its answer are a fold above the demo.
(() => {
    "use strict";

    const make = (tag, className, text) => {
        const element = document.createElement(tag);
        element.className = className;
        element.textContent = text;
        if (tag === "button") element.type = "button";
        return element;
    };

    // The question of a demo: at which line it stops, and a panel that asks.
    // `go` shows the next lines, `say` tells what happened.
    globalThis.question = (figure, go, say) => {
        const fold = figure.querySelector(".predict");
        if (!fold) return null;
        const text = fold.querySelector("summary").textContent;
        const right = fold.querySelector(".right").textContent;
        const panel = make("div", "predict-panel", "");
        panel.setAttribute("role", "group");
        panel.setAttribute("aria-label", text);
        const verdict = make("p", "predict-verdict", "");
        const answers = make("div", "predict-answers", "");
        let first = true;
        for (const item of fold.querySelectorAll("li")) {
            const button = make("button", "", "");
            button.append(make("code", "", item.textContent));
            button.addEventListener("click", () => {
                const good = item.textContent === right;
                button.classList.add(good ? "good" : "bad");
                button.append(make("span", "", good ? " yes" : " no"));
                button.disabled = true;
                if (good) {
                    say(first ? "Right at once" : "Right");
                    answered = true;
                    panel.remove();
                    go();
                } else {
                    first = false;
                    verdict.textContent = "That is not what comes. Try again.";
                    say(`Not ${item.textContent}`);
                    answers.querySelector("button:enabled")?.focus();
                }
            });
            answers.append(button);
        }
        panel.append(make("p", "predict-question", text), answers, verdict);
        fold.remove();
        let answered = false;
        return {
            at: Number(fold.dataset.after),
            open: () => !answered,
            panel,
            skip: () => {
                answered = true;
                panel.remove();
            },
        };
    };
})();
