import { fileURLToPath } from "node:url";
import { CommandError } from "../text/errors.ts";
import { HttpError } from "./http-error.ts";

/** The URL, if this module can download it. */
export function httpUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "http:" || parsed?.protocol === "https:") return parsed;
  throw new HttpError(`Cannot fetch "${maskUrl(url)}": expected an http or https URL`);
}

/**
 * A URL for `URL`, and separately the zone of an address that is only valid on one link:
 * `http://[fe80::1%25eth0]/` (RFC 6874).
 */
export function splitZone(url: string): { readonly url: string; readonly zone: string | undefined } {
  const [, before = "", zone, after = ""] =
    /^(https?:\/\/\[fe80:[0-9a-f:]*)%25([\w.-]+)(\].*)$/is.exec(url) ?? [];
  return zone === undefined ? { url, zone } : { url: before + after, zone };
}

/** The local path of a `file:` URL or a plain path; undefined for other URLs. */
export function localPath(url: string): string | undefined {
  if (/^file:/i.test(url)) {
    try {
      return fileURLToPath(url);
    } catch (cause) {
      throw new CommandError(`Cannot read "${url}": expected a file URL such as "file:///etc/hosts"`, {
        cause,
      });
    }
  }
  return /^[a-z][a-z0-9+.-]*:/i.test(url) ? undefined : url;
}

/** The URL with masked user name and password; other text unchanged. */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1***@");
}

/** Whether a redirect from one URL to another gives up encryption. */
export function isDowngrade(from: string, to: string): boolean {
  return /^https:/i.test(from) && /^http:/i.test(to);
}

/** The error for such a redirect. */
export function downgradeError(from: string, to: string): HttpError {
  return new HttpError(
    `refused to follow "${maskUrl(from)}" to "${maskUrl(to)}": anybody on the way could answer that, which is not encrypted`,
  );
}
