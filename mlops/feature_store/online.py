"""Features of entities read at once, each value with what is to be thought of it: present, missing or stale."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlops.clock import Now, microseconds
from mlops.errors import InvalidInput
from mlops.feature_store.entities import Entity, FeatureView, OnDemandView, ValueStatus
from mlops.feature_store.finding import Finder, require_feature, wanted_features
from mlops.feature_store.on_demand import input_references, row_function, state_of
from mlops.feature_store.references import FeatureReference, ViewReference, output_names, read_references
from mlops.feature_store.rows import RowCodec, key_reader
from mlops.feature_store.store import AnyView, OnlineStore

if TYPE_CHECKING:
    from mlops.database import Database

__all__ = ["OnlineFeatures", "OnlineReader"]

_MOST_PLANS = 1_000  # for so many lists of features what is the same for every request is kept
_MICROSECOND = timedelta(microseconds=1)
_PRESENT, _MISSING, _STALE = ValueStatus.PRESENT, ValueStatus.MISSING, ValueStatus.STALE


class OnlineFeatures(Sequence[dict[str, Any]]):
    """Values of some features for one entity or many: a sequence of dicts, one for each entity in order.

    Attributes:
        names: Names of the features, in the order asked for.
        values: For each entity the values, None where missing. Stale values are there, see `statuses`.
        statuses: For each entity what is to be thought of each value.
    """

    __slots__ = ("names", "statuses", "values")

    def __init__(
        self, names: tuple[str, ...], values: list[tuple[Any, ...]], statuses: list[tuple[ValueStatus, ...]]
    ) -> None:
        self.names = names
        self.values = values
        self.statuses = statuses

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [dict(zip(self.names, row, strict=True)) for row in self.values[index]]
        return dict(zip(self.names, self.values[index], strict=True))

    def __repr__(self) -> str:
        return f"OnlineFeatures({list(self)!r})"

    def status(self, index: int = 0) -> dict[str, ValueStatus]:
        """Return what is to be thought of the values of one entity, by feature."""
        return dict(zip(self.names, self.statuses[index], strict=True))

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the values of all entities by feature."""
        return {name: [row[at] for row in self.values] for at, name in enumerate(self.names)}


class _Version:
    """How to read one version of a view."""

    def __init__(self, view: FeatureView, entity: Entity, features: Sequence[str]) -> None:
        for name in features:
            require_feature(view, name)
        self.view_id = view.view_id
        self.key = key_reader(entity.join_keys)
        self.decode = RowCodec(view.features).decode_all
        self.ttl = None if view.ttl is None else view.ttl // _MICROSECOND
        places = [view.feature_names.index(name) for name in features]
        self.pick: Callable[[Sequence[Any]], tuple[Any, ...]] = (
            operator.itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
        )
        self.nothing = (None,) * len(places)
        self.all_missing = (_MISSING,) * len(places)
        self.all_present = (_PRESENT,) * len(places)
        self.all_stale = (_STALE,) * len(places)


Columns = tuple[list[tuple[Any, ...]], list[tuple[ValueStatus, ...]]]


class _OtherFeatures(Exception):
    """A view of which all features were asked for has others by now."""


class _ViewPart:
    """Reads some features of one view; follows the version that serves.

    Args:
        whole: The version whose features were all asked for; None where they were named.
    """

    def __init__(
        self, reader: OnlineReader, view: ViewReference, features: Sequence[str], whole: str | None = None
    ) -> None:
        self._reader = reader
        self._view = view
        self._features = features
        self._whole = whole
        self._version: _Version | None = None

    def read(self, entities: Sequence[Mapping[str, Any]], now_us: int) -> Columns:
        """Return values and statuses for each entity."""
        version, found, keys = self._fetch(entities)
        rows = iter(map(version.pick, version.decode([found[key][1] for key in keys if key in found])))
        values, statuses = [], []
        oldest = None if version.ttl is None else now_us - version.ttl
        for key in keys:
            if key not in found:
                values.append(version.nothing)
                statuses.append(version.all_missing)
                continue
            row = next(rows)
            is_stale = oldest is not None and found[key][0] < oldest
            status = version.all_stale if is_stale else version.all_present
            values.append(row)
            statuses.append(_with_gaps(row, status) if None in row else status)
        return values, statuses

    def _fetch(self, entities: Sequence[Mapping[str, Any]]) -> tuple[_Version, dict[str, tuple[int, bytes]], list[str]]:
        """Read with the version known last; where another one serves by now, read again as that one is read."""
        version = self._version or self._load(None)
        while True:
            keys = [version.key(entity) for entity in entities]
            view_id, found = self._reader.online.read(self._reader.project, self._view, keys)
            if view_id == version.view_id:
                return version, found, keys
            version = self._load(view_id)

    def _load(self, view_id: str | None) -> _Version:
        view, entity = self._reader.load_batch(self._view, view_id)
        if self._whole not in (None, view.view_id):
            raise _OtherFeatures
        self._version = _Version(view, entity, self._features)
        return self._version


def _with_gaps(row: tuple[Any, ...], status: tuple[ValueStatus, ...]) -> tuple[ValueStatus, ...]:
    return tuple(_MISSING if value is None else one for value, one in zip(row, status, strict=True))


class _OnDemandPart:
    """Computes features of one on-demand view from others and from the request."""

    def __init__(self, reader: OnlineReader, asked: ViewReference, view: OnDemandView, features: Sequence[str]) -> None:
        self._reader, self._asked, self._view_id = reader, asked, view.view_id
        origins = input_references(view)
        self._own = [name for name in state_of(view).input_names if name not in origins]
        self._names = tuple(origins)
        self._inputs = reader.parts(tuple(origins.values())) if origins else None
        self._compute = row_function(view)
        self._places = [view.features.index(name) for name in features]

    def read(self, entities: Sequence[Mapping[str, Any]], now_us: int) -> Columns:
        """Return values and statuses for each entity: stale where an input is."""
        if self._inputs is None:
            rows: list[tuple[Any, ...]] = [()] * len(entities)
            statuses: list[tuple[ValueStatus, ...]] = [()] * len(entities)
        else:
            rows, statuses = self._inputs.read(entities, now_us)
        values, found = [], []
        for entity, row, status in zip(entities, rows, statuses, strict=True):
            computed = self._compute({**dict(zip(self._names, row, strict=True)), **self._told(entity)})
            values.append(tuple(computed[place] for place in self._places))
            found.append(((_STALE if _STALE in status else _PRESENT),) * len(self._places))
        return values, found

    def is_current(self) -> bool:
        """Tell whether the view is still the one that serves."""
        return self._reader.serving(self._reader.project, self._asked) == self._view_id

    def _told(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        missing = [name for name in self._own if name not in entity]
        if missing:
            raise InvalidInput(
                f"The request has no {missing[0]!r}, which a feature is computed from. Add it to the entity."
            )
        return {name: entity[name] for name in self._own}


class _Plan:
    """What to read for a list of features, and where each value goes."""

    def __init__(self, parts: list[_ViewPart | _OnDemandPart], places: Sequence[int]) -> None:
        self.parts = parts
        self._is_straight = list(places) == list(range(len(places)))
        self._arrange: Callable[[tuple[Any, ...]], tuple[Any, ...]] = (
            operator.itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
        )

    def read(self, entities: Sequence[Mapping[str, Any]], now_us: int) -> Columns:
        """Return values and statuses for each entity, in the order asked for."""
        if len(self.parts) == 1 and self._is_straight:
            return self.parts[0].read(entities, now_us)
        found = [part.read(entities, now_us) for part in self.parts]
        return self._joined(one[0] for one in found), self._joined(one[1] for one in found)

    def _joined(self, columns: Iterable[list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        return [self._arrange(sum(rows, ())) for rows in zip(*columns, strict=True)]


_Asked = tuple[tuple[str, ...], bool]
_Planned = tuple[_Plan, tuple[str, ...]]


class OnlineReader:
    """Answers requests for online features; what is the same for every request is prepared once.

    Args:
        database: Where views are.
        finder: What finds them.
        online: Where values are.
        now: The clock.
    """

    def __init__(
        self,
        database: Database,
        finder: Finder,
        online: OnlineStore,
        serving: Callable[[str, ViewReference], str | None],
        *,
        now: Now,
    ) -> None:
        self.online = online
        self.project = finder.project
        self._database = database
        self._finder = finder
        self.serving = serving
        self._now = now
        self._plans: dict[_Asked, _Planned] = {}

    def read(
        self, entities: Sequence[Mapping[str, Any]], features: Sequence[str], *, full_names: bool
    ) -> OnlineFeatures:
        """Return the features of entities; see the service."""
        asked = (tuple(features), full_names)
        while True:
            known = self._plans.get(asked)
            if known is None or self._is_outdated(known[0]):
                known = self._keep(asked, self._plan(features, full_names=full_names))
            plan, names = known
            try:
                values, statuses = plan.read(entities, microseconds(self._now()))
            except _OtherFeatures:
                self._plans.pop(asked, None)
            else:
                return OnlineFeatures(names, values, statuses)

    def load_batch(self, view: ViewReference, view_id: str | None) -> tuple[FeatureView, Entity]:
        """Return the version with this id, or the one that serves, and the entity that it describes.

        Raises:
            FeatureViewNotFound: It is not there any more.
        """
        found = self.serving(self.project, view) if view_id is None else view_id
        with self._database.read() as tx:
            if found is None:
                raise self._finder.missing(tx, view)
            version = self._finder.by_id(tx, view.name, found)
            if not isinstance(version, FeatureView):
                raise self._finder.missing(tx, view)
            return version, self._finder.entity(tx, version.entity)

    def parts(
        self, references: Sequence[FeatureReference], whole: Mapping[ViewReference, str] = MappingProxyType({})
    ) -> _Plan:
        """Return how these features are read, each view once.

        Args:
            references: The features.
            whole: Ids of the versions whose features were all asked for, by view.
        """
        by_view: dict[ViewReference, list[str]] = {}
        for reference in references:
            by_view.setdefault(reference.view, []).append(reference.feature)
        order = [FeatureReference(view, name) for view, names in by_view.items() for name in names]
        made = [self._part(view, names, whole.get(view)) for view, names in by_view.items()]
        return _Plan(made, [order.index(reference) for reference in references])

    def _part(self, view: ViewReference, names: Sequence[str], whole: str | None) -> _ViewPart | _OnDemandPart:
        version = self._served(view)
        if isinstance(version, OnDemandView):
            return _OnDemandPart(self, view, version, names)
        return _ViewPart(self, view, names, whole)

    def _served(self, view: ViewReference) -> AnyView:
        view_id = self.serving(self.project, view)
        with self._database.read() as tx:
            if view_id is None:
                raise self._finder.missing(tx, view)
            return self._finder.by_id(tx, view.name, view_id)

    def _plan(self, features: Sequence[str], *, full_names: bool) -> tuple[_Plan, tuple[str, ...]]:
        references: list[FeatureReference] = []
        whole: dict[ViewReference, str] = {}
        for one in read_references(features):
            version = self._served(one.view)
            if one.feature == "*":
                whole[one.view] = version.view_id
            references += [FeatureReference(one.view, name) for name in wanted_features(version, one.feature)]
        return self.parts(references, whole), output_names(references, full_names=full_names)

    def _keep(self, asked: _Asked, planned: _Planned) -> _Planned:
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[asked] = planned
        return planned

    def _is_outdated(self, plan: _Plan) -> bool:
        """Tell whether an on-demand view was applied anew; other views say so themselves when they are read."""
        computed = [part for part in plan.parts if isinstance(part, _OnDemandPart)]
        return any(not part.is_current() for part in computed)
