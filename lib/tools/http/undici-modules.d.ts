/** Modules of undici (7.30) that its types do not declare. */

declare module "undici/lib/core/symbols.js" {
  /** Its names of the properties that it adds to foreign objects. */
  const symbols: { readonly kParser: symbol };
  export = symbols;
}

declare module "undici/lib/core/connect.js" {
  import { buildConnector } from "undici";
  export = buildConnector;
}

declare module "undici/lib/dispatcher/agent.js" {
  import { Agent } from "undici";
  export = Agent;
}

declare module "undici/lib/dispatcher/proxy-agent.js" {
  import { ProxyAgent } from "undici";
  export = ProxyAgent;
}

declare module "undici/lib/dispatcher/dispatcher.js" {
  import { Dispatcher } from "undici";
  export = Dispatcher;
}

declare module "undici/lib/api/index.js" {
  import type { Dispatcher } from "undici";

  /** The methods of a dispatcher that are functions for any dispatcher. */
  const api: Pick<Dispatcher, "connect" | "pipeline" | "request" | "stream" | "upgrade">;
  export = api;
}
