/**
 * A file that does not come, because its node went away or one of another release was asked: the whole page
 * again, a little later. What is here already comes from the browser's store, so each try gets further.
 */
addEventListener(
  "error",
  (event) => {
    const file = event.target;
    if (file.tagName !== "SCRIPT" && file.tagName !== "LINK") return;
    setTimeout(() => location.reload(), 500 + Math.random() * 2500);
  },
  true,
);
