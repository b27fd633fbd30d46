/**
 * A file that does not come, because its node went away or one of another release was asked: the whole page
 * again, a little later, and later each time. What is here already comes from the browser's store, so each try
 * gets further.
 */
addEventListener(
  "error",
  ({ target }) => {
    if (target.tagName !== "SCRIPT" && target.tagName !== "LINK") return;
    const tries = Number(history.state?.tries ?? 0);
    history.replaceState({ tries: tries + 1 }, "");
    setTimeout(() => location.reload(), 500 + Math.random() * Math.min(60_000, 2000 * 2 ** tries));
  },
  true,
);
