import { GROUP } from "./config-definition.ts";

/** An object of Kubernetes. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [part: string]: unknown;
}

const NAME = "k3os-node";
const RBAC = "rbac.authorization.k8s.io";
const ADMISSION = "admissionregistration.k8s.io";

/**
 * What the identity of a node may do with our kinds: read every K3osConfig, and write the K3osNode of its own name. The
 * role cannot tell nodes apart, so a policy in the API server does. Secrets are not among it: see docs/kubernetes.md.
 */
export function nodeAccess(): readonly Manifest[] {
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: NAME },
      rules: [
        { apiGroups: [GROUP], resources: ["k3osconfigs"], verbs: ["get", "list", "watch"] },
        { apiGroups: [GROUP], resources: ["k3osnodes"], verbs: ["get", "create"] },
        { apiGroups: [GROUP], resources: ["k3osnodes/status"], verbs: ["get", "update", "patch"] },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: NAME },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: NAME },
      subjects: [{ apiGroup: RBAC, kind: "Group", name: "system:nodes" }],
    },
    {
      apiVersion: `${ADMISSION}/v1`,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: NAME },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [GROUP],
              apiVersions: ["*"],
              operations: ["CREATE", "UPDATE"],
              resources: ["k3osnodes", "k3osnodes/status"],
            },
          ],
        },
        matchConditions: [{ name: "by-a-node", expression: "'system:nodes' in request.userInfo.groups" }],
        validations: [
          {
            expression: "request.userInfo.username == 'system:node:' + object.metadata.name",
            message: "a node writes only its own K3osNode",
            reason: "Forbidden",
          },
        ],
      },
    },
    {
      apiVersion: `${ADMISSION}/v1`,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: NAME },
      spec: { policyName: NAME, validationActions: ["Deny"] },
    },
  ];
}
