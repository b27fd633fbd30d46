"""deploy/grafana/chat.json: complete, readable, and true to the alerts. What it asks for is in test_rules."""

import re
from typing import Any

import pytest

from tests.deploy.known import TARGET, dashboard, known_metrics, panels, plain, rules
from tests.support.promql import parse

PANELS = [pytest.param(panel, id=panel["title"]) for panel in panels()]


def test_grafana_knows_it_again() -> None:
    """One identity, so that a new version takes the place of the old one; nothing of where it was made."""
    board = dashboard()
    assert board["uid"] == "stranger-chat"
    assert "id" not in board
    assert board["schemaVersion"] >= 39


def test_any_data_source_and_any_node_can_be_chosen() -> None:
    """Variables for what differs from place to place; what is used is there, what is there is used."""
    board = dashboard()
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert set(variables) == {"datasource", "job", "node", "redis"}
    assert variables["datasource"]["type"] == "datasource"
    sources = re.findall(r"'uid': '([^']*)'", str(board).replace(board["uid"], ""))
    assert set(sources) <= {"${datasource}", "-- Grafana --", ""}
    used = set(re.findall(r"\$\{?(\w+)", str(board)))
    assert used == {*variables, "__rate_interval", "__all"}
    for name in ("job", "node", "redis"):
        query = variables[name]["query"]["query"]
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert found, query
        ((metric, _),) = parse(plain(found[1])).metrics
        assert found[2] in known_metrics()[metric] | TARGET


def test_panels_lie_beside_each_other() -> None:
    """Within the 24 columns, none over another, each row's title above what belongs to it."""
    taken: dict[tuple[int, int], str] = {}
    ids = set()
    for panel in dashboard()["panels"]:
        ids.add(panel["id"])
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                assert other == panel["title"]
    assert len(ids) == len(dashboard()["panels"])
    rows = [panel for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert [row["title"] for row in rows] == [
        "Now, on all nodes",
        "People and matching",
        "Commands",
        "Delivery",
        "Nodes",
        "Redis",
        "Limits",
    ]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: Any) -> None:
    """Title, description, unit; a legend that does not repeat the whole series."""
    assert panel["title"]
    assert len(panel["description"]) > 15
    assert panel["targets"]
    if panel["type"] == "heatmap":
        assert panel["options"]["yAxis"]["unit"]
    elif panel["type"] != "table":
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["legendFormat"] != "__auto" for target in panel["targets"])


@pytest.mark.parametrize("panel", PANELS)
def test_legends_name_labels_that_are_there(panel: Any) -> None:
    """What the expression groups by; without a group, what the series has."""
    for target in panel["targets"]:
        query = parse(plain(target["expr"]))
        there = query.labels or TARGET
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= there


def test_alerts_that_are_named_exist() -> None:
    """Descriptions lead from what looks odd to the alert about it."""
    named = set(re.findall(r"\bChat[A-Z]\w+", str([panel["description"] for panel in panels()])))
    assert named <= {rule["alert"] for rule in rules()}
    assert len(named) > 10


def test_lines_are_where_alerts_begin() -> None:
    """The line in a graph is the bound of the alert that its description names."""
    bounds = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in panels():
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        named = re.findall(r"\bChat[A-Z]\w+", panel["description"])
        if panel["type"] == "timeseries" and len(steps) > 1 and named:
            assert f"> {steps[-1]['value']}" in bounds[named[0]], panel["title"]
