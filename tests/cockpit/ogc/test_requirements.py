"""What `/ogc/conformance` declares is proven requirement by requirement, and nothing is proven that is not listed."""

from __future__ import annotations

from pathlib import Path

from scicity.cockpit.ogc.conformance import FEATURES
from scicity.reference.features import TESTS, requirements
from scicity.reference.sensorthings import proofs

HOME = Path(__file__).parents[3]
SUITE = {  # the classes of ets-ogcapi-features10 that hold tests
    *("LandingPage", "ApiDefinition", "Conformance", "GeneralHttp", "FeatureCollections", "FeatureCollection", "Feature"),
    *("Features", "FeaturesBBox", "FeaturesLimit", "FeaturesTime", "FeaturesErrorConditions"),
    *("DiscoveryCollectionCrsUri", "DiscoveryCollectionDefaultCrs", "DiscoveryCollectionStorageCrs"),
    *("DiscoveryCollectionsCrsUri", "DiscoveryCollectionsDefaultCrs", "DiscoveryCollectionsStorageCrs"),
    *("BBoxCrsParameter", "BBoxCrsParameterDefault", "BBoxCrsParameterInvalid"),
    *("FeatureCrsParameter", "FeatureCrsParameterDefault", "FeatureCrsParameterInvalid", "FeatureCrsParameterTransform"),
    *("FeaturesCrsParameter", "FeaturesCrsParameterDefault", "FeaturesCrsParameterInvalid", "FeaturesCrsParameterTransform"),
}
OTHER_NAMES = {"basic-spatial-operators"}  # of drafts, for a class that is declared by its own name too


def test_each_requirement_has_a_test_and_no_test_names_another() -> None:
    proven = proofs(HOME, tests=TESTS)
    names = [each["name"] for each in requirements(HOME)]
    assert len(set(names)) == len(names)
    assert sorted(set(proven) - set(names)) == []
    assert [each["name"] for each in requirements(HOME) if (each["state"] != "not") != (each["name"] in proven)] == []


def test_each_declared_class_has_its_requirements() -> None:
    parts = [part for part in FEATURES if part.startswith(("ogcapi-features", "cql2"))]
    declared = {name for part in parts for name in FEATURES[part]} - OTHER_NAMES
    assert {each["name"].partition("/")[0] for each in requirements(HOME)} == declared


def test_each_test_class_of_the_suite_is_covered() -> None:
    assert {name for each in requirements(HOME) for name in each["suite"].split()} == SUITE
