import { type AddressInfo, connect } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { type Authority, makeAuthority } from "./authority.ts";
import { serveLoopback } from "./loopback.ts";

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | undefined;
  /** Of the client's certificate, if it has one that the cluster's authority signed. */
  readonly user: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  readonly authority: Authority;
  readonly calls: readonly ApiCall[];
  /** A kubeconfig as k3s writes it for the administrator: everything inside. */
  kubeconfig(user: string): string;
}

/** What a server answers to a call: a value with status 200, or a status with it; undefined: it never answers. */
export type ApiAnswer = (call: ApiCall) => Answered | Promise<Answered>;

type Answered = object | string | readonly [status: number, body: object | string] | undefined;

/** A Kubernetes API of a test, by TLS on a free port of loopback, which knows clients by their certificates. */
export async function serveApi(answer: ApiAnswer, authority = makeAuthority()): Promise<ApiServer> {
  const calls: ApiCall[] = [];
  const users = new Map<number, string>(); // by the port of the connection behind the TLS
  await using scope = new AsyncDisposableStack();
  const plain = scope.use(
    await serveLoopback(async (request, response) => {
      const text = Buffer.concat(await Array.fromAsync(request)).toString();
      const call = {
        method: request.method ?? "",
        path: request.url ?? "",
        contentType: request.headers["content-type"],
        user: users.get(request.socket.remotePort ?? 0),
        authorization: request.headers.authorization,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
      };
      calls.push(call);
      const found = await answer(call);
      if (found === undefined) return;
      const [status, body] = Array.isArray(found) ? (found as [number, object | string]) : [200, found];
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    }),
  );
  // Bun's HTTP server does not tell the certificate of a client
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    { ...authority.server, ca: authority.ca, requestCert: true, rejectUnauthorized: false },
    (socket) => {
      const name = socket.authorized ? socket.getPeerCertificate().subject.CN : undefined;
      const behind = connect(plain.port, "127.0.0.1", () => {
        if (typeof name === "string") users.set(behind.localPort ?? 0, name);
        socket.pipe(behind).pipe(socket);
      });
      sockets.add(socket);
      for (const end of [socket, behind]) end.on("error", () => [socket, behind].map((one) => one.destroy()));
    },
  );
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  scope.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kept = scope.move();
  return {
    url,
    authority,
    calls,
    kubeconfig: (user) => {
      const { cert, key } = authority.client(user);
      return kubeconfigText(url, {
        ca: { data: authority.ca },
        cert: { data: cert },
        key: { data: key },
      });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

type Pem = { readonly data: string } | { readonly path: string };

/** A kubeconfig with certificates inside or in files. */
export function kubeconfigText(
  server: string,
  { ca, cert, key }: { readonly ca: Pem; readonly cert: Pem; readonly key: Pem },
): string {
  const line = (name: string, pem: Pem) =>
    "data" in pem ? `${name}-data: ${Buffer.from(pem.data).toString("base64")}` : `${name}: ${pem.path}`;
  return `apiVersion: v1
clusters:
- cluster:
    ${line("certificate-authority", ca)}
    server: ${server}
  name: local
contexts:
- context:
    cluster: local
    user: user
  name: Default
current-context: Default
kind: Config
users:
- name: user
  user:
    ${line("client-certificate", cert)}
    ${line("client-key", key)}
`;
}
