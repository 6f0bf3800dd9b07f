import type { Host } from "../tools/host/host.ts";
import type { FetchOptions } from "../tools/http/http-options.ts";
import type { Platform } from "./platform.ts";

/** The data that a source has about this machine; unknown fields are absent. */
export interface Metadata {
  /** User data as received, after gzip and encodings of the source's own protocol are undone. */
  readonly userdata?: Uint8Array;
  /** Public SSH keys in lines, as the source has them; invalid lines are removed later. */
  readonly keys?: readonly string[];
  readonly hostname?: string;
  /** Only some sources distinguish it from `hostname`; it has priority. */
  readonly localHostname?: string;
  /**
   * The identity of this machine in its cloud; protects against data of an earlier boot that belongs to another one.
   */
  readonly instanceId?: string;
  /** Further facts under the names of the original's metadata service: `public_ipv4` and the like. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** One request of a source; retries, time limit and proxy depend on the phase. */
export interface Question
  extends Pick<FetchOptions, "method" | "headers" | "body" | "localPort" | "signal" | "tryAgain"> {
  /** Statuses that mean "none exists" rather than a failure; default 404. 204 always has this meaning. */
  readonly none?: readonly number[];
  /** `true`: the provider itself retries, in another way. */
  readonly once?: boolean;
}

/** The interface for a provider. All requests, results and omissions are recorded for `--explain`. */
export interface Access extends Pick<Host, "root" | "run" | "log" | "clock" | "env"> {
  readonly platform: Platform;
  /** The content of a URL, or undefined if the server says that it does not exist. Throws HttpError. */
  readonly fetch: (url: string, question?: Question) => Promise<Buffer | undefined>;
  /** Reports omitted data with the reason; never with a secret. */
  readonly ignored: (what: string) => void;
}

/** A possible source of this machine's configuration. */
export interface Provider {
  /** As written in `k3os.data_sources`. */
  readonly name: string;
  /** The content of /run/config/provider, which scripts of the original's users read. */
  readonly title: string;
  /** `local` sources answer at once; `network` sources may need a wait. */
  readonly kind: "local" | "network";
  /** Whether the platform identifies this machine as one of this source's. Sends no requests. */
  readonly recognises: (platform: Platform) => boolean;
  /**
   * Reads the source; undefined if it is not present. Throws if it is, or may be, present but cannot be read. A missing
   * optional field does not throw.
   */
  readonly read: (access: Access) => Promise<Metadata | undefined>;
}
