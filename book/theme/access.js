// What stock mdBook 0.5 pages lack for readers with a keyboard or a screen
// reader. Everything here may fail or be missing: the pages still work.
(() => {
    "use strict";

    // The sidebar's switch is a <label>, which no key reaches. A real button
    // takes its place and its looks.
    const label = document.getElementById("mdbook-sidebar-toggle");
    const box = document.getElementById("mdbook-sidebar-toggle-anchor");
    const sidebar = document.getElementById("mdbook-sidebar");
    if (label && box && sidebar) {
        const button = document.createElement("button");
        button.type = "button";
        button.id = label.id;
        button.className = label.className;
        button.title = label.title;
        button.setAttribute("aria-label", label.getAttribute("aria-label"));
        button.setAttribute("aria-controls", sidebar.id);
        button.append(...label.childNodes);
        const tell = () => {
            button.setAttribute("aria-expanded", String(box.checked));
        };
        box.addEventListener("change", tell);
        button.addEventListener("click", () => {
            // The label's own handler did this: a hidden sidebar has
            // display: none, and must be laid out before it slides in.
            if (!box.checked) {
                sidebar.style.display = "";
                void sidebar.offsetHeight;
            }
            box.click();
        });
        label.replaceWith(button);
        tell();
    }

    // The book's title is on every page: not a heading of this one.
    const bar = document.getElementById("mdbook-menu-bar");
    if (bar) {
        bar.setAttribute("role", "banner");
        bar.querySelector(".menu-title")?.setAttribute("role", "presentation");
    }

    // The search has no landmark and no name, and names a description that
    // is not there.
    const area = document.getElementById("mdbook-search-wrapper");
    area?.setAttribute("role", "search");
    const search = document.getElementById("mdbook-searchbar");
    if (search) {
        search.setAttribute("aria-label", "Search this book");
        search.setAttribute("aria-describedby", "mdbook-searchresults-header");
    }

    // "Source of this crate" leads there, if the book was built with the
    // repository's address: mdBook then shows it in the menu bar.
    const address = document.querySelector(
        ".right-buttons a[title='Git repository']")?.href;
    for (const code of address ? document.querySelectorAll("main p > code") : []) {
        const before = code.previousSibling?.textContent.trim();
        if (before !== "Source of this crate:") continue;
        const link = document.createElement("a");
        link.href = `${address.replace(/\/$/, "")}/tree/HEAD/${code.textContent}`;
        code.replaceWith(link);
        link.append(code);
    }

    // Long names in tables may break behind their joints, and nowhere else.
    for (const code of document.querySelectorAll("main td code, main td a")) {
        for (const text of [...code.childNodes]) {
            if (text.nodeType !== Node.TEXT_NODE) continue;
            const parts = text.textContent.split(/(?<=[_.:/(,=–-])(?=[\w"'{[])/);
            if (parts.length < 2) continue;
            text.replaceWith(...parts.flatMap((part, number) =>
                number === 0 ? [part] : [document.createElement("wbr"), part]));
        }
    }

    // On a phone a row of four cells or more is shown as a list (access.css):
    // each cell then says which column it is. Roles keep it a table for a
    // screen reader.
    for (const table of document.querySelectorAll("main table")) {
        const heads = [...table.querySelectorAll("thead th")];
        if (heads.length < 4) continue;
        table.classList.add("stack");
        table.setAttribute("role", "table");
        for (const row of table.rows) row.setAttribute("role", "row");
        for (const head of heads) head.setAttribute("role", "columnheader");
        for (const row of table.querySelectorAll("tbody tr")) {
            [...row.cells].forEach((cell, column) => {
                cell.setAttribute("role", "cell");
                const word = heads[column]?.textContent;
                if (word && cell.textContent) cell.dataset.column = word;
            });
        }
    }

    // What scrolls sideways can be reached, and so scrolled, by keyboard.
    const wide = document.querySelectorAll(
        "main pre > code, main .table-wrapper",
    );
    const reach = () => {
        for (const element of wide) {
            if (element.scrollWidth > element.clientWidth) {
                element.tabIndex = 0;
            } else {
                element.removeAttribute("tabindex");
            }
        }
    };
    if (wide.length > 0) {
        const observer = new ResizeObserver(reach);
        wide.forEach((element) => observer.observe(element));
    }
})();
