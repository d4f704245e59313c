"""What docs/KUBERNETES.md says of a rendered folder of packaging/kubernetes.

Usage: kubernetes.py base|postgres RENDERED
"""
import sys

import yaml

failures = 0


def check(what, holds):
    global failures
    print(("ok: " if holds else "FAILED: ") + what)
    failures += not holds


def of_kind(objects, kind):
    return [o for o in objects if o["kind"] == kind]


def check_pod(name, pod, volumes_given):
    security = pod.get("securityContext", {})
    check(f"{name}: not root", security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0)
    check(f"{name}: the runtime's seccomp profile", security.get("seccompProfile", {}).get("type") == "RuntimeDefault")
    check(f"{name}: no token of the cluster", pod.get("automountServiceAccountToken") is False)
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        check(f"{name}: no {key}", not pod.get(key))
    mounted = set()
    for container in pod["containers"] + pod.get("initContainers", []):
        own = container.get("securityContext", {})
        label = f"{name}/{container['name']}"
        check(f"{label}: gains no privilege", own.get("allowPrivilegeEscalation") is False)
        check(f"{label}: no capability", own.get("capabilities", {}) == {"drop": ["ALL"]})
        check(f"{label}: read-only root", own.get("readOnlyRootFilesystem") is True)
        check(f"{label}: a limit of memory", "memory" in container.get("resources", {}).get("limits", {}))
        check(f"{label}: an image of a named version", ":" in container["image"] and not container["image"].endswith(":latest"))
        check(f"{label}: no secret in its environment",
              not any("secretKeyRef" in str(e) for e in container.get("env", [])) and not container.get("envFrom"))
        mounted |= {m["name"] for m in container.get("volumeMounts", [])}
    for container in pod["containers"]:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            check(f"{name}/{container['name']}: {probe}", probe in container)
    volumes = {v["name"]: v for v in pod.get("volumes", [])}
    check(f"{name}: what is mounted is there", mounted == set(volumes) | volumes_given)
    check(f"{name}: nothing of the node's disk", not any("hostPath" in v for v in volumes.values()))


def check_base(objects):
    [namespace] = of_kind(objects, "Namespace")
    check("the namespace enforces pod security",
          namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") == "restricted")
    [deployment] = of_kind(objects, "Deployment")
    spec = deployment["spec"]
    labels = spec["template"]["metadata"]["labels"]
    pod = spec["template"]["spec"]
    check("two brokers", spec["replicas"] == 2)
    check("one is always left", spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0 and
          of_kind(objects, "PodDisruptionBudget")[0]["spec"]["minAvailable"] == 1)
    check_pod("broker", pod, set())
    [broker] = pod["containers"]
    check("the readiness probe asks for /readyz", broker["readinessProbe"]["httpGet"]["path"] == "/readyz")
    ports = {p["name"]: p["containerPort"] for p in broker["ports"]}
    [service] = of_kind(objects, "Service")
    check("the service finds the broker", service["spec"]["selector"].items() <= labels.items() and
          all(p["targetPort"] in ports for p in service["spec"]["ports"]))
    config = [o for o in of_kind(objects, "ConfigMap") if o["metadata"]["name"].startswith("broker-config")][0]
    broker_yaml = yaml.safe_load(config["data"]["broker.yaml"])
    check("the configuration listens where the ports say",
          broker_yaml["listen"] == [f"0.0.0.0:{ports['https']}"] and broker_yaml["metrics"] == f"0.0.0.0:{ports['metrics']}")
    check("the database is asked who it is", "sslmode=verify-full" in broker_yaml["database"])
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(objects, "NetworkPolicy")}
    check("nothing in or out by default", policies["default-deny"] ==
          {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    check("the exceptions are the broker's", policies["broker"]["podSelector"]["matchLabels"].items() <= labels.items())
    check("metrics are not for everybody", all("from" in rule for rule in policies["broker"]["ingress"]
                                               if any(p["port"] == "metrics" for p in rule["ports"])))
    check("egress names whom", all(rule.get("to") for rule in policies["broker"]["egress"]))
    check("no secret is in the manifests", not of_kind(objects, "Secret"))


def check_postgres(objects):
    [database] = of_kind(objects, "StatefulSet")
    template = database["spec"]["template"]
    claims = {c["metadata"]["name"] for c in database["spec"]["volumeClaimTemplates"]}
    check_pod("database", template["spec"], claims)
    [policy] = of_kind(objects, "NetworkPolicy")
    check("only the broker reaches it", policy["spec"]["podSelector"]["matchLabels"].items() <=
          template["metadata"]["labels"].items() and all("from" in rule for rule in policy["spec"]["ingress"]))
    check("the broker reaches what is so labelled",
          template["metadata"]["labels"]["app.kubernetes.io/name"] == "tobichi-broker-database")
    check("it speaks TLS", "ssl=on" in template["spec"]["containers"][0]["args"])


with open(sys.argv[2], encoding="utf-8") as file:
    rendered = [o for o in yaml.safe_load_all(file) if o]
{"base": check_base, "postgres": check_postgres}[sys.argv[1]](rendered)
sys.exit(failures > 0)
