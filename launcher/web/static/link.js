// Opens a console that another site's link leads to, once the person says so. The console's page takes this page's place
// in the tab's history, so that neither reload nor "back" asks again.

const CALM_MS = 500; // a double click or a key that was begun on another page must not count here

const button = document.getElementById("open");
let timer = 0;

/** Let the button do nothing until the page has been looked at for a moment. */
function calm() {
  button.disabled = true;
  clearTimeout(timer);
  timer = setTimeout(() => {
    button.disabled = false;
    button.focus();
  }, CALM_MS);
}

button.addEventListener("click", () => location.replace(button.dataset.address));
button.addEventListener("keydown", (event) => {
  if (event.repeat) event.preventDefault(); // held down since the page before
});
window.addEventListener("focus", calm);
document.addEventListener("visibilitychange", calm);
calm();
