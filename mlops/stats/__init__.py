"""Formulas of statistics, one textbook thing a file: numpy and scipy only, no state, no clock, no database.

Every function takes sufficient statistics (counts, sums, sums of squares) and says in its docstring what it tests, what
it assumes, when it misleads and where it stands in the literature. Treatment is compared with control: control comes
first, and differences are treatment minus control. Fixed-sample methods answer once, at the end; their names are loaded
from here when they are asked for. Those that answer at every look are named by their file, as `e_process.update`:
`confidence_sequences`, `e_process`, `group_sequential`, `quantile_sequences`, `sequential_srm`, `bounds`.

Example:
    >>> from mlops.stats import Counts, newcombe_interval, pooled_z_test
    >>> control, treatment = Counts(n=5000, events=4500), Counts(n=5000, events=4600)
    >>> [round(float(each), 4) for each in newcombe_interval(control, treatment)]
    [0.02, 0.0088, 0.0312]
    >>> round(float(pooled_z_test(control, treatment).p_value), 5)
    0.00048
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops.stats.arms import Counts, effective_size
    from mlops.stats.bayes import (
        Ranking,
        best_of_means,
        best_of_rates,
        probability_mean_is_better,
    )
    from mlops.stats.clustered import (
        ClusterSums,
        clustered_difference,
        clustered_mean,
        design_effect,
        intraclass_correlation,
    )
    from mlops.stats.cuped import Adjusted, adjust_by_covariate
    from mlops.stats.effect_size import cohen_d, cohen_h, hedges_g
    from mlops.stats.exact_proportions import fisher_exact_test, fisher_mid_p_test
    from mlops.stats.means import delta_ratio, fieller_ratio, mean_test, welch_test
    from mlops.stats.moments import ExactMoments, ExactPairMoments, PairedSample, Sample, Summary, summarise
    from mlops.stats.multiple_testing import benjamini_hochberg, holm
    from mlops.stats.paired import (
        PairedCounts,
        mcnemar_exact_test,
        mcnemar_test,
        paired_difference_interval,
        paired_t_test,
    )
    from mlops.stats.power import (
        Hypothesis,
        SampleSize,
        mean_detectable_difference,
        mean_power,
        mean_sample_size,
        proportion_detectable_difference,
        proportion_power,
        proportion_sample_size,
    )
    from mlops.stats.proportion_scores import (
        farrington_manning_test,
        mee_interval,
        miettinen_nurminen_interval,
        miettinen_nurminen_test,
    )
    from mlops.stats.proportions import clopper_pearson_interval, newcombe_interval, pooled_z_test, wilson_interval
    from mlops.stats.quantiles import quantile_difference, quantile_interval, quantile_ranks, quantile_spread
    from mlops.stats.results import Comparison, Interval, Significance
    from mlops.stats.risk_ratio import (
        katz_interval,
        koopman_interval,
        miettinen_nurminen_ratio_interval,
        ratio_score_test,
    )
    from mlops.stats.sample_ratio import sample_ratio_test
    from mlops.stats.sketch import QuantileSketch
    from mlops.stats.stratified import (
        cochran_mantel_haenszel_test,
        mantel_haenszel_difference,
        mantel_haenszel_ratio,
        stratified_difference,
    )

__all__ = [
    "Adjusted",
    "ClusterSums",
    "Comparison",
    "Counts",
    "ExactMoments",
    "ExactPairMoments",
    "Hypothesis",
    "Interval",
    "PairedCounts",
    "PairedSample",
    "QuantileSketch",
    "Ranking",
    "Sample",
    "SampleSize",
    "Significance",
    "Summary",
    "adjust_by_covariate",
    "benjamini_hochberg",
    "best_of_means",
    "best_of_rates",
    "clopper_pearson_interval",
    "clustered_difference",
    "clustered_mean",
    "cochran_mantel_haenszel_test",
    "cohen_d",
    "cohen_h",
    "delta_ratio",
    "design_effect",
    "effective_size",
    "farrington_manning_test",
    "fieller_ratio",
    "fisher_exact_test",
    "fisher_mid_p_test",
    "hedges_g",
    "holm",
    "intraclass_correlation",
    "katz_interval",
    "koopman_interval",
    "mantel_haenszel_difference",
    "mantel_haenszel_ratio",
    "mcnemar_exact_test",
    "mcnemar_test",
    "mean_detectable_difference",
    "mean_power",
    "mean_sample_size",
    "mean_test",
    "mee_interval",
    "miettinen_nurminen_interval",
    "miettinen_nurminen_ratio_interval",
    "miettinen_nurminen_test",
    "newcombe_interval",
    "paired_difference_interval",
    "paired_t_test",
    "pooled_z_test",
    "probability_mean_is_better",
    "proportion_detectable_difference",
    "proportion_power",
    "proportion_sample_size",
    "quantile_difference",
    "quantile_interval",
    "quantile_ranks",
    "quantile_spread",
    "ratio_score_test",
    "sample_ratio_test",
    "stratified_difference",
    "summarise",
    "welch_test",
    "wilson_interval",
]

_HOMES = {
    "Adjusted": "mlops.stats.cuped",
    "ClusterSums": "mlops.stats.clustered",
    "Comparison": "mlops.stats.results",
    "Counts": "mlops.stats.arms",
    "ExactMoments": "mlops.stats.moments",
    "ExactPairMoments": "mlops.stats.moments",
    "Hypothesis": "mlops.stats.power",
    "Interval": "mlops.stats.results",
    "PairedCounts": "mlops.stats.paired",
    "PairedSample": "mlops.stats.moments",
    "QuantileSketch": "mlops.stats.sketch",
    "Ranking": "mlops.stats.bayes",
    "Sample": "mlops.stats.moments",
    "SampleSize": "mlops.stats.power",
    "Significance": "mlops.stats.results",
    "Summary": "mlops.stats.moments",
    "adjust_by_covariate": "mlops.stats.cuped",
    "benjamini_hochberg": "mlops.stats.multiple_testing",
    "best_of_means": "mlops.stats.bayes",
    "best_of_rates": "mlops.stats.bayes",
    "clopper_pearson_interval": "mlops.stats.proportions",
    "clustered_difference": "mlops.stats.clustered",
    "clustered_mean": "mlops.stats.clustered",
    "cochran_mantel_haenszel_test": "mlops.stats.stratified",
    "cohen_d": "mlops.stats.effect_size",
    "cohen_h": "mlops.stats.effect_size",
    "delta_ratio": "mlops.stats.means",
    "design_effect": "mlops.stats.clustered",
    "effective_size": "mlops.stats.arms",
    "farrington_manning_test": "mlops.stats.proportion_scores",
    "fieller_ratio": "mlops.stats.means",
    "fisher_exact_test": "mlops.stats.exact_proportions",
    "fisher_mid_p_test": "mlops.stats.exact_proportions",
    "hedges_g": "mlops.stats.effect_size",
    "holm": "mlops.stats.multiple_testing",
    "intraclass_correlation": "mlops.stats.clustered",
    "katz_interval": "mlops.stats.risk_ratio",
    "koopman_interval": "mlops.stats.risk_ratio",
    "mantel_haenszel_difference": "mlops.stats.stratified",
    "mantel_haenszel_ratio": "mlops.stats.stratified",
    "mcnemar_exact_test": "mlops.stats.paired",
    "mcnemar_test": "mlops.stats.paired",
    "mean_detectable_difference": "mlops.stats.power",
    "mean_power": "mlops.stats.power",
    "mean_sample_size": "mlops.stats.power",
    "mean_test": "mlops.stats.means",
    "mee_interval": "mlops.stats.proportion_scores",
    "miettinen_nurminen_interval": "mlops.stats.proportion_scores",
    "miettinen_nurminen_ratio_interval": "mlops.stats.risk_ratio",
    "miettinen_nurminen_test": "mlops.stats.proportion_scores",
    "newcombe_interval": "mlops.stats.proportions",
    "paired_difference_interval": "mlops.stats.paired",
    "paired_t_test": "mlops.stats.paired",
    "pooled_z_test": "mlops.stats.proportions",
    "probability_mean_is_better": "mlops.stats.bayes",
    "proportion_detectable_difference": "mlops.stats.power",
    "proportion_power": "mlops.stats.power",
    "proportion_sample_size": "mlops.stats.power",
    "quantile_difference": "mlops.stats.quantiles",
    "quantile_interval": "mlops.stats.quantiles",
    "quantile_ranks": "mlops.stats.quantiles",
    "quantile_spread": "mlops.stats.quantiles",
    "ratio_score_test": "mlops.stats.risk_ratio",
    "sample_ratio_test": "mlops.stats.sample_ratio",
    "stratified_difference": "mlops.stats.stratified",
    "summarise": "mlops.stats.moments",
    "welch_test": "mlops.stats.means",
    "wilson_interval": "mlops.stats.proportions",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlops.stats' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
