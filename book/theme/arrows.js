// Draws an arrow from each line of a demo to the lines that it brought about,
// and a cross behind a line that nobody heard. The recording says which
// (data-from, data-unheard). Without this file the lines are all there.
(() => {
    "use strict";

    const SVG = "http://www.w3.org/2000/svg";
    const GAP = 5; // pixels between a text and its arrow
    const TIP = 7; // the length of an arrow's tip

    const shape = (name, attributes) => {
        const element = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes)) {
            element.setAttribute(key, value);
        }
        return element;
    };

    // Where a line's text begins and ends, from the corner of the list.
    const place = (line, corner) => {
        const boxes = [...line.querySelector("code").getClientRects()]
            .filter((box) => box.width > 0);
        const first = boxes[0] ?? line.getBoundingClientRect();
        const last = boxes.at(-1) ?? first;
        const middle = (box) => (box.top + box.bottom) / 2 - corner.top;
        return {
            left: { x: first.left - corner.left - GAP, y: middle(first) },
            right: { x: last.right - corner.left + GAP, y: middle(last) },
        };
    };

    const column = (line) =>
        Number.parseInt(/\bt(\d)\b/.exec(line.className)?.[1] ?? "0", 10);

    // A curve that leaves and arrives sideways, with a tip at its end.
    const arrow = (from, to, towards, width) => {
        const end = { x: to.x + towards * -TIP, y: to.y };
        // Side by side in columns, or both at the right edge of one column.
        const bend = from.side === to.side
            ? Math.max(from.x, end.x) + 14
            : (from.x + end.x) / 2;
        const x = Math.min(bend, width - 2);
        const group = shape("g", { class: `arrow t${from.column}` });
        group.append(
            shape("path", { d: `M${from.x} ${from.y}C${x} ${from.y} ${x} ${end.y} ${end.x} ${end.y}` }),
            shape("path", { class: "tip", d: `M${to.x} ${to.y}l${-towards * TIP} -4v8z` }),
        );
        return group;
    };

    const cross = (at, from) => {
        const group = shape("g", { class: "unheard" });
        const title = shape("title", {});
        title.textContent = "nobody heard this";
        const [x, y] = from === "left" ? [at.x - 5, at.y] : [at.x + 5, at.y];
        group.append(title,
            shape("path", { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` }));
        return group;
    };

    const draw = (figure) => {
        const list = figure.querySelector(".terminal-lines");
        const lines = [...list.children];
        const sheet = figure.arrows;
        sheet.replaceChildren();
        const corner = list.getBoundingClientRect();
        if (corner.width === 0) return; // In a fold that is closed.
        sheet.setAttribute("width", corner.width);
        sheet.setAttribute("height", corner.height);
        const inColumns = getComputedStyle(
            figure.querySelector(".terminal-heads")).display !== "none";
        const shown = (line) => line && !line.classList.contains("later");
        lines.forEach((line, index) => {
            if (!shown(line)) return;
            if ("unheard" in line.dataset) {
                // Towards the others: the first column has them on its right.
                const side = inColumns && column(line) > 0 ? "left" : "right";
                const mark = cross(place(line, corner)[side], side);
                mark.dataset.line = index + 1;
                sheet.append(mark);
            }
            const cause = lines[Number(line.dataset.from) - 1];
            if (!shown(cause)) return;
            const [here, there] = [place(cause, corner), place(line, corner)];
            // A column to the right is entered from its left.
            const right = !inColumns || column(line) === column(cause)
                ? null : column(line) > column(cause);
            const from = right === false ? here.left : here.right;
            const to = right === true ? there.left : there.right;
            const drawn = arrow(
                { ...from, side: right === false ? "left" : "right", column: column(cause) },
                { ...to, side: right === true ? "left" : "right" },
                right === true ? 1 : -1, corner.width);
            drawn.dataset.from = line.dataset.from;
            drawn.dataset.to = index + 1;
            sheet.append(drawn);
        });
    };

    const figures = [...document.querySelectorAll("figure.terminals")]
        .filter((figure) => figure.querySelector("[data-from], [data-unheard]"));
    // Only what is near the window is drawn: a page has many demos.
    const near = new Set();
    const places = new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) {
            if (!isIntersecting) {
                near.delete(target);
            } else if (!near.has(target)) {
                near.add(target);
                draw(target);
            }
        }
    }, { rootMargin: "800px 0px" });
    const sizes = new ResizeObserver((entries) => {
        for (const entry of entries) {
            const figure = entry.target.closest("figure.terminals");
            if (near.has(figure)) draw(figure);
        }
    });
    for (const figure of figures) {
        const list = figure.querySelector(".terminal-lines");
        figure.arrows = shape("svg", { class: "terminal-arrows", "aria-hidden": "true" });
        list.after(figure.arrows);
        figure.classList.add("with-arrows");
        figure.addEventListener("lines-shown", () => draw(figure));
        sizes.observe(list);
        places.observe(figure);
    }
    document.fonts?.ready.then(() => near.forEach(draw));
})();
