import { timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { sha256 } from "#core";

/** Who may ask, and for what. */
export interface Gate {
  /** What the address that was printed has. */
  readonly token: string;
  /** What opens the view once; it is forgotten when it was used. */
  readonly tickets: Set<string>;
  /** What `Host` has to be, such as "127.0.0.1:4000". */
  readonly hosts: readonly string[];
}

/**
 * Nothing but scripts, styles and pictures of this server: no script or style stands in
 * a page, and none comes from elsewhere.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const headers = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
} as const;

/**
 * Lets through what a page of this view asks, to read, and nothing else. A token in the
 * address becomes a cookie; a name that was made to lead to this machine (DNS
 * rebinding) is told by `Host`, another page by what the browser says of it.
 */
export function guard(gate: Gate): MiddlewareHandler {
  return async (c, next) => {
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    if (c.req.method !== "GET" && c.req.method !== "HEAD")
      return c.text("Nothing is written here.\n", 405, { Allow: "GET, HEAD" });
    if (!gate.hosts.includes(c.req.header("host") ?? ""))
      return c.text("This is not the address of the view.\n", 403);
    if (isTicket(c, gate)) return entered(c, gate);
    if (isOfAnotherPage(c) || !isSame(getCookie(c, nameOf(gate)), gate.token))
      return c.text("Open the address that assay view printed.\n", 403);
    await next();
  };
}

/** Whether the address has the token, or a ticket, which it uses up. */
function isTicket(c: Context, { token, tickets }: Gate): boolean {
  if (c.req.path !== "/") return false;
  if (isSame(c.req.query("token"), token)) return true;
  const ticket = [...tickets].find((one) => isSame(c.req.query("once"), one));
  return ticket !== undefined && tickets.delete(ticket);
}

/**
 * A page goes on to the list, rather than a redirect: a browser that came here from
 * another page would not send the cookie along.
 */
function entered(c: Context, gate: Gate) {
  setCookie(c, nameOf(gate), gate.token, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
  });
  return c.html(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><link rel="icon" href="/assets/icon.svg"><title>Assay</title></head><body><p><a href="/">To the runs</a></p></body></html>\n',
  );
}

/** Cookies of one machine are those of all its ports. */
const nameOf = ({ hosts: [host = ""] }: Gate): string =>
  `assay-view-${host.split(":").at(-1)}`;

/** Also one of another port of this machine, which has its cookies. */
function isOfAnotherPage(c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  return site === "cross-site" || site === "same-site";
}

/** Compares in the same time wherever they differ. */
function isSame(given: string | undefined, secret: string): boolean {
  const [one, other] = [given ?? "", secret].map((text) =>
    Buffer.from(sha256(text), "hex"),
  );
  return timingSafeEqual(one!, other!);
}
