// Every page there is, found as a person finds them: by following links from the navigation.
const DEPTH = 3, PAGES_MAX = 150;
/** Not pages: files, other sites, what ends the session. */
const SKIP = /^\/(api|assets|sign-out)\b|\.(eml|csv|xml|txt|zip|json)$|\/(raw|eml|download|export|preview|body)(\/|$)/;

/** A path with what names one thing replaced, so that one mail's page stands for all. */
export const pattern = (path) => path.split("/").map((part) => /\d/.test(part) && !/^v\d$/.test(part) || part.includes(".") || part.includes("@") || part.includes("%") || /^[A-Za-z0-9_-]{20,}$/.test(part) ? "*" : part).join("/");

/** Articles of one kind share a template: so many stand for all. */
const ARTICLES_MAX = 6;

/** @returns {Promise<{path: string, pattern: string, status: number, title: string}[]>} one for each pattern */
export async function findPages(context, base, from = ["/"]) {
  const page = await context.newPage();
  const seen = new Map();
  let now = from;
  for (let depth = 0; depth <= DEPTH && now.length; depth++) {
    const next = [];
    for (const path of now) {
      const kind = pattern(path.split("?")[0]);
      const article = path.match(/^\/help\/[a-z]+\//)?.[0];
      if (article && [...seen.keys()].filter((one) => one.startsWith(article)).length >= ARTICLES_MAX) continue;
      if (seen.has(kind) || SKIP.test(path) || seen.size >= PAGES_MAX) continue;
      const answer = await page.goto(base + path);
      if (!answer.headers()["content-type"]?.startsWith("text/html")) continue;
      seen.set(kind, { path, pattern: kind, status: answer.status(), title: await page.title() });
      const links = await page.evaluate(() => [...document.querySelectorAll("a[href]:not([download])")].map((a) => a.getAttribute("href")));
      next.push(...links.filter((href) => href.startsWith("/") && !href.startsWith("//")).map((href) => href.split("#")[0].split("?")[0]));
    }
    now = [...new Set(next)];
  }
  await page.close();
  return [...seen.values()];
}
