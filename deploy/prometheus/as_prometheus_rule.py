"""Writes chat-rules.yml as what the Prometheus operator takes: k8s/components/prometheus-operator/rules.yaml.

Run it after a change of the rules: ``python deploy/prometheus/as_prometheus_rule.py``. A test compares the two.
"""

from pathlib import Path
from textwrap import indent

HERE = Path(__file__).parent
RULES = HERE / "chat-rules.yml"
MADE = HERE.parents[1] / "k8s" / "components" / "prometheus-operator" / "rules.yaml"
HEAD = """\
# Made of deploy/prometheus/chat-rules.yml by as_prometheus_rule.py there: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: chat
  namespace: chat
spec:
"""


def prometheus_rule() -> str:
    """The rules, word for word, with their comments."""
    return HEAD + indent(RULES.read_text(), "  ")


if __name__ == "__main__":
    MADE.write_text(prometheus_rule())
