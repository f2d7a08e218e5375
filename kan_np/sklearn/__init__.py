"""Estimators of scikit-learn: KANs, MLPs and formulas that are fitted to a table by ``fit(X, y)``.

    KANRegressor           numbers, with error bars on request
    KANClassifier          classes and their probabilities
    MLPBaselineRegressor   the multilayer perceptron that KANs are compared with, trained by the same rules
    FormulaRegressor       a formula, by `kan_np.discover`

They take what scikit-learn's own take (arrays, data frames, sample weights), are cloned, pickled, searched
and put into pipelines as these, and choose their shape by cross-validation
(`kan_np.schedule.cross_validated`). scikit-learn is an extra: ``pip install 'kan_np[sklearn]'``.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "kan_np.sklearn needs scikit-learn, which is not installed: pip install 'kan_np[sklearn]'."
    ) from error

from kan_np.sklearn.classifier import KANClassifier
from kan_np.sklearn.formula import FormulaRegressor
from kan_np.sklearn.regressors import KANRegressor, MLPBaselineRegressor

__all__ = ["FormulaRegressor", "KANClassifier", "KANRegressor", "MLPBaselineRegressor"]
