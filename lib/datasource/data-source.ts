import type { Host } from "../tools/host/host.ts";
import type { FetchOptions } from "../tools/http/http-options.ts";
import type { Platform } from "./platform.ts";

/** What a data source knows of this machine; it leaves out what it does not know. */
export interface Metadata {
  /** User data as it came; gzip and encodings of the source's own protocol are undone. */
  readonly userdata?: Uint8Array;
  /** Public ssh keys, one a line, as the source has them; lines that are none are left out later. */
  readonly keys?: readonly string[];
  readonly hostname?: string;
  /** Only some sources tell it apart from `hostname`; it goes before it. */
  readonly localHostname?: string;
  /** What makes this machine another one for its cloud; guards what was kept from an earlier boot. */
  readonly instanceId?: string;
  /** Further facts under the names that the original's metadata service gave them: `public_ipv4` and the like. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** One request of a source, without what the phase decides: retries, time and proxy. */
export interface Question
  extends Pick<FetchOptions, "method" | "headers" | "body" | "localPort" | "signal" | "tryAgain"> {
  /** Statuses that mean "there is none" rather than a failure; default 404. 204 always does. */
  readonly none?: readonly number[];
  /** `true`: the provider itself tries again, in another way. */
  readonly once?: boolean;
}

/** What a provider works with. Everything that it asks, takes and leaves out is recorded for `--explain`. */
export interface Access extends Pick<Host, "root" | "run" | "log" | "clock" | "env"> {
  readonly platform: Platform;
  /** The content behind a URL, or undefined where the server says that there is none. Throws HttpError. */
  readonly fetch: (url: string, question?: Question) => Promise<Buffer | undefined>;
  /** Says what was left out, and why; never with a secret. */
  readonly ignored: (what: string) => void;
}

/** A place that may know what this machine is to be. */
export interface Provider {
  /** As written in `k3os.data_sources`. */
  readonly name: string;
  /** What stands in /run/config/provider, where scripts of the original's users look for it. */
  readonly title: string;
  /** `local` sources are at hand or not; `network` sources may have to be waited for. */
  readonly kind: "local" | "network";
  /** Whether the platform says that this machine is one of this source's. Asks nobody. */
  readonly recognises: (platform: Platform) => boolean;
  /**
   * Reads the source; undefined if it is not there. Throws when it is there, or may be, and cannot be read. A missing
   * optional field is no reason to throw.
   */
  readonly read: (access: Access) => Promise<Metadata | undefined>;
}
