import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { minor, satisfies } from "semver";
import { manifests } from "../../../lib/apply/manifests.ts";
import { IMAGE_NAME } from "../../../lib/make/image/container.ts";
import { STABLE_K3S } from "../../../lib/tools/release/k3s-release.ts";
import { testHost } from "../../support/host.ts";
import {
  type KubernetesObject,
  type Labels,
  MANIFESTS,
  PLAN_FIELDS,
  selects,
  shippedManifests,
  shippedObjects,
} from "../../support/plans.ts";

const CONTROLLER = "system-upgrade-controller.yaml";
const PLANS = "system-upgrade-plans/k3os-latest.yaml";
const NAMESPACE = "k3os-system";
const ACCOUNT = { kind: "ServiceAccount", name: "k3os-upgrade", namespace: NAMESPACE };

function object(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
  if (found === undefined) throw new Error(`No ${kind} "${name}"`);
  return found;
}

const controller = shippedObjects(CONTROLLER);
const plans = shippedObjects(PLANS);
const plan = object(plans, "Plan", "k3os-latest").spec;
const agentPlan = object(plans, "Plan", "k3os-latest-agents").spec;
const armPlan = object(plans, "Plan", "k3os-latest-arm").spec;
const armAgentPlan = object(plans, "Plan", "k3os-latest-arm-agents").spec;
const environment: Labels = object(controller, "ConfigMap", "default-controller-env").data;
const deployment = object(controller, "Deployment", "system-upgrade-controller").spec;
const pod = deployment.template.spec;

test("all manifests have the original's names", () => {
  expect(shippedManifests()).toEqual([CONTROLLER, PLANS]);
});

describe("system-upgrade-controller.yaml", () => {
  test("puts everything into its namespace, with one account", () => {
    object(controller, "Namespace", NAMESPACE);
    object(controller, "ServiceAccount", "k3os-upgrade");
    const inside = ["ServiceAccount", "ConfigMap", "Deployment", "Role", "RoleBinding"];
    const elsewhere = controller.filter(({ kind, metadata }) => {
      return metadata.namespace !== (inside.includes(kind) ? NAMESPACE : undefined);
    });
    expect(elsewhere).toEqual([]);
    expect(pod.serviceAccountName).toBe("k3os-upgrade");
  });

  test("has the names that nodes and Plans refer to", () => {
    const label = { "upgrade.cattle.io/controller": "system-upgrade-controller" };
    expect(deployment.selector.matchLabels).toEqual(label);
    expect(deployment.template.metadata.labels).toEqual(label);
    const [container] = pod.containers;
    expect(container.envFrom).toEqual([{ configMapRef: { name: "default-controller-env" } }]);
    expect(
      container.env.map(({ name, valueFrom }: KubernetesObject) => [name, valueFrom.fieldRef.fieldPath]),
    ).toEqual([
      ["SYSTEM_UPGRADE_CONTROLLER_NAME", "metadata.labels['upgrade.cattle.io/controller']"],
      ["SYSTEM_UPGRADE_CONTROLLER_NAMESPACE", "metadata.namespace"],
      ["SYSTEM_UPGRADE_CONTROLLER_NODE_NAME", "spec.nodeName"],
    ]);
    expect(pod.volumes).toEqual([
      { name: "etc-ssl", hostPath: { path: "/etc/ssl", type: "Directory" } },
      { name: "tmp", emptyDir: {} },
    ]);
  });

  test("has the original's settings, with a deadline for slow nodes", () => {
    expect(environment).toEqual({
      SYSTEM_UPGRADE_CONTROLLER_DEBUG: "false",
      SYSTEM_UPGRADE_CONTROLLER_LEADER_ELECT: "true",
      SYSTEM_UPGRADE_CONTROLLER_THREADS: "2",
      SYSTEM_UPGRADE_JOB_ACTIVE_DEADLINE_SECONDS: "7200",
      SYSTEM_UPGRADE_JOB_BACKOFF_LIMIT: "2",
      SYSTEM_UPGRADE_JOB_IMAGE_PULL_POLICY: "IfNotPresent",
      SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE: expect.any(String),
      SYSTEM_UPGRADE_JOB_PRIVILEGED: "true",
      SYSTEM_UPGRADE_JOB_TTL_SECONDS_AFTER_FINISH: "900",
      SYSTEM_UPGRADE_PLAN_POLLING_INTERVAL: "15m",
    });
  });

  test("pins its images, with a kubectl that may talk to the k3s of the release", () => {
    expect(pod.containers[0].image).toMatch(/^rancher\/system-upgrade-controller:v\d+\.\d+\.\d+$/);
    const [name, tag = ""] = environment.SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE?.split(":") ?? [];
    expect(name).toBe("rancher/kubectl");
    // https://kubernetes.io/releases/version-skew-policy/#kubectl: one minor version either way
    expect(satisfies(tag, "1")).toBe(true);
    expect(Math.abs(minor(tag) - minor(STABLE_K3S))).toBeLessThanOrEqual(1);
  });

  test("runs on servers if there is room, whatever taints they have, and where its image exists", () => {
    expect(deployment.strategy).toEqual({ type: "Recreate" });
    const { nodeAffinity } = pod.affinity;
    const preferred = nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution;
    expect(preferred).toEqual(
      ["control-plane", "master"].map((role) => ({
        weight: 100,
        preference: { matchExpressions: [{ key: `node-role.kubernetes.io/${role}`, operator: "Exists" }] },
      })),
    );
    const [term] = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    // its release workflow: linux/amd64, linux/arm64, linux/arm
    const archs = ["amd64", "arm64", "arm", "s390x"];
    expect(archs.filter((arch) => selects(term, { "kubernetes.io/arch": arch }))).toEqual(archs.slice(0, 3));
    expect(pod.tolerations).toEqual(ROLE_TOLERATIONS);
  });

  test("runs the controller as nobody, without capabilities", () => {
    expect(pod.containers[0].securityContext).toEqual({
      ...{ runAsNonRoot: true, runAsUser: 65534, runAsGroup: 65534 },
      ...{ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  test("gives no more than the controller and a drain need", () => {
    const rules = controller.filter(({ kind }) => kind.endsWith("Role"));
    expect(rules.map(({ metadata }) => metadata.name)).toEqual([
      ...["k3os-upgrade-controller", "k3os-upgrade-drain", "k3os-upgrade-controller"],
    ]);
    const words = rules.flatMap(({ rules }) =>
      rules.flatMap(({ resources, verbs }: KubernetesObject) => [...resources, ...verbs]),
    );
    expect(words).not.toContain("*");
    const secrets = rules.filter(({ rules }) =>
      rules.some(({ resources }: KubernetesObject) => resources.includes("secrets")),
    );
    expect(secrets.map(({ kind }) => kind)).toEqual(["Role"]);
    const drain = object(controller, "ClusterRole", "k3os-upgrade-drain").rules;
    expect(drain).toContainEqual({ apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] });
    expect(drain).toContainEqual({ apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch"] });
  });

  test("binds each role to the account, by other names than the original's, whose target is fixed", () => {
    const bindings = controller.filter(({ kind }) => kind.endsWith("RoleBinding"));
    expect(bindings.map(({ roleRef }) => `${roleRef.kind} ${roleRef.name}`).sort()).toEqual(
      controller
        .filter(({ kind }) => kind.endsWith("Role"))
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
        .sort(),
    );
    for (const { metadata, subjects } of bindings) {
      expect(subjects).toEqual([ACCOUNT]);
      expect(metadata.name).not.toBe("system-upgrade");
    }
  });

  test("defines Plans before the controller does", () => {
    const { spec } = object(controller, "CustomResourceDefinition", "plans.upgrade.cattle.io");
    expect(spec).toMatchObject({ group: "upgrade.cattle.io", scope: "Namespaced", names: { kind: "Plan" } });
    const [version] = spec.versions;
    expect(version).toMatchObject({ name: "v1", served: true, storage: true, subresources: { status: {} } });
    expect(version.additionalPrinterColumns.map(({ name }: { name: string }) => name)).toEqual([
      ...["Image", "Channel", "Version", "Complete", "Message", "Applying"],
    ]);
    const { properties } = version.schema.openAPIV3Schema;
    expect(Object.keys(properties.spec.properties).sort()).toEqual([...PLAN_FIELDS].sort());
    expect(properties.spec.properties.postCompleteLabels).toEqual({
      ...{ type: "object", additionalProperties: { type: "string" } },
    });
    expect(properties.spec["x-kubernetes-preserve-unknown-fields"]).toBe(true);
    expect(properties.status["x-kubernetes-preserve-unknown-fields"]).toBe(true);
  });
});

const ROLE_TOLERATIONS = [
  { key: "CriticalAddonsOnly", operator: "Exists" },
  { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" },
  { key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" },
  { key: "node-role.kubernetes.io/etcd", operator: "Exists" },
];

describe("k3os-latest.yaml", () => {
  const all = [plan, agentPlan, armPlan, armAgentPlan];
  const command = (args: readonly string[]) => args.join(" ");

  test("runs the original's command out of our image, on the channel of our releases", () => {
    expect(plans.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.namespace])).toEqual(
      all.map(() => ["upgrade.cattle.io/v1", "Plan", NAMESPACE]),
    );
    for (const spec of all) {
      expect(spec).toMatchObject({
        concurrency: 1,
        channel: "https://github.com/k3os/k3os/releases/latest",
        serviceAccountName: "k3os-upgrade",
        prepare: { image: IMAGE_NAME, command: ["k3os", "--debug"] },
        upgrade: { image: IMAGE_NAME, command: ["k3os", "--debug"] },
      });
      expect(spec.version).toBeUndefined();
      expect(command(spec.upgrade.args)).toBe(
        "upgrade --kernel --rootfs --remount --sync --reboot --lock-file=/host/run/k3os/upgrade.lock " +
          "--source=/k3os/system --destination=/host/k3os/system",
      );
    }
  });

  test("checks before a node is cordoned, agents once the Plans for servers are complete", () => {
    const files =
      "--kernel --rootfs --lock-file=/host/run/k3os/upgrade.lock " +
      "--source=/k3os/system --destination=/host/k3os/system";
    const wait = "--after-plan=k3os-latest --after-plan=k3os-latest-arm";
    for (const spec of [plan, armPlan]) {
      expect(command(spec.prepare.args)).toBe(`upgrade --check ${files}`);
      expect(spec.jobActiveDeadlineSecs).toBeUndefined();
    }
    for (const spec of [agentPlan, armAgentPlan]) {
      expect(command(spec.prepare.args)).toBe(`upgrade --check ${wait} ${files}`);
      expect(spec.jobActiveDeadlineSecs).toBe(86_400);
    }
  });

  test("drains by force within the job's deadline, but where there is no kubectl", () => {
    for (const spec of [plan, agentPlan]) expect(spec.drain).toEqual({ force: true, timeout: "20m" });
    for (const spec of [armPlan, armAgentPlan])
      expect([spec.drain, spec.cordon]).toEqual([undefined, undefined]);
  });

  test("reaches every node that is labelled for it, whatever taints it has", () => {
    for (const spec of all) expect(spec.tolerations).toEqual([{ operator: "Exists" }]);
  });

  test.each([
    [{ "k3os.io/upgrade": "latest", "k3os.io/mode": "local" }, true],
    [{ "k3os.io/upgrade": "", "k3os.io/mode": "local" }, true],
    [{ "k3os.io/upgrade": "disabled", "k3os.io/mode": "local" }, false],
    [{ "k3os.io/upgrade": "latest", "k3os.io/mode": "live" }, false],
    [{ "k3os.io/upgrade": "latest" }, false],
    [{ "k3os.io/mode": "local" }, false],
  ] as const)("of a node with %p takes it: %p", (labels, taken) => {
    for (const arch of ["amd64", "arm64", "arm"]) {
      const agent = { ...labels, "kubernetes.io/arch": arch };
      const server = { ...agent, "node-role.kubernetes.io/control-plane": "true" };
      const [servers, agents] = arch === "arm" ? [armPlan, armAgentPlan] : [plan, agentPlan];
      expect(all.filter((spec) => selects(spec.nodeSelector, server))).toEqual(taken ? [servers] : []);
      expect(all.filter((spec) => selects(spec.nodeSelector, agent))).toEqual(taken ? [agents] : []);
    }
  });
});

test("edited or removed, the manifests do not come back", async () => {
  using host = testHost();
  const shipped = `${host.root}/usr/share/rancher/k3s/server/manifests`;
  const deployed = (path: string) => join(host.root, "var/lib/rancher/k3s/server/manifests", path);
  mkdirSync(dirname(shipped), { recursive: true });
  cpSync(MANIFESTS, shipped, { recursive: true });
  await manifests.apply({}, host);
  expect(readFileSync(deployed(PLANS), "utf8")).toBe(readFileSync(join(MANIFESTS, PLANS), "utf8"));

  writeFileSync(deployed(CONTROLLER), "# mine\n");
  rmSync(deployed(PLANS));
  for (const path of shippedManifests()) writeFileSync(join(shipped, path), "# the next release\n");
  await manifests.apply({}, host);
  expect(readFileSync(deployed(CONTROLLER), "utf8")).toBe("# mine\n");
  expect(existsSync(deployed(PLANS))).toBe(false);
});
