// Keeps the page of all cats up to date while it is open.
const events = new EventSource("/events");
const row = (event) => {
    const { name, hat } = JSON.parse(event.data);
    const rows = [...document.querySelectorAll("[data-cat]")];
    return { hat, row: rows.find((one) => one.dataset.cat === name) };
};

events.addEventListener("hat", (event) => {
    const { hat, row: found } = row(event);
    // As text: a hat called <b> is no markup.
    if (found) found.querySelector(".hat").textContent = hat;
});
events.addEventListener("gone", (event) => row(event).row?.remove());

// The browser connects again by itself. What happened in between it was not
// told, so the page is loaded anew.
let connected = false;
events.addEventListener("open", () => {
    if (connected) location.reload();
    connected = true;
    document.documentElement.dataset.live = "yes";
});
