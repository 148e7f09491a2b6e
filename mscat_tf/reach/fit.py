"""Discovery significance and CLs limits of a workspace by the profile likelihood, in the asymptotic approximation.

Expected figures come from Asimov data: at their own truth these have the nominal parameters as best fit, so a test
statistic takes one fit only. arXiv:1007.1727 (CCGV).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import barycentric_interpolate
from scipy.optimize import brentq, root_scalar

from mscat_tf.errors import InputError
from mscat_tf.reach.closed_forms import BANDS, exclusion_root
from mscat_tf.reach.events import WHERE
from mscat_tf.reach.workspace import open_model, pyhf

Floats = NDArray[np.float64]
_POINTS = 4
"""Fits between which limits are interpolated: mu over the square root of q-tilde_mu is nearly constant.
Where it is not, as the median shows, each limit is found by bisection."""

_TOLERANCE = 1e-3


class Fit:
    """Expected results of one workspace. `mu` is in units of its reference.

    Args:
        workspace: as `build_workspace` makes it; mu of the order of its limit where mu = 1 fits best numerically.
    """

    def __init__(self, workspace: dict[str, Any]) -> None:
        self._model = open_model(workspace)
        self._likelihood = pyhf().infer.mle
        self._nominal = np.asarray(self._model.config.suggested_init(), np.float64)

    def significance(self, mu: float) -> float:
        """Median significance of discovery of a signal of this strength: square root of q_0 (CCGV equation 12)."""
        return self._root(tested=0.0, truth=mu)

    def exclusion(self, mu: float) -> float:
        """Square root of q-tilde_mu (CCGV equation 16) on background-only Asimov data."""
        return self._root(tested=mu, truth=0.0)

    def limits(self, confidence_level: float = 0.95) -> Floats:
        """Expected upper limits on mu by CLs, `(5,)` at `closed_forms.BANDS`.

        Raises:
            InputError: the data exclude no signal, however strong.
        """
        roots = exclusion_root(BANDS, confidence_level)
        most, reached = self._beyond(roots[-1])
        mu = most * np.linspace(roots[0] / reached, 1.0, _POINTS)
        found = np.array([*(self.exclusion(value) for value in mu[:-1]), reached])
        limits = np.asarray(roots * barycentric_interpolate(found, mu / found, roots), np.float64)
        middle = len(roots) // 2
        if abs(self.exclusion(limits[middle]) / roots[middle] - 1.0) < _TOLERANCE:
            return limits
        return np.array([brentq(lambda x, r=root: self.exclusion(x) - r, 0.0, most, rtol=_TOLERANCE) for root in roots])

    def strength_for(self, significance: float) -> float:
        """The mu that would be discovered with this significance.

        Raises:
            InputError: no mu is.
        """
        found = root_scalar(
            lambda mu: self.significance(abs(mu)) - significance, method="secant", x0=0.0, x1=3.0, rtol=_TOLERANCE
        )
        if not found.converged:
            raise InputError(
                f"{WHERE}: no signal strength is discovered with {significance:g} standard deviations; check that the "
                "uncertainties do not allow the background to look like the signal"
            )
        return float(abs(found.root))

    def _beyond(self, wanted: float) -> tuple[float, float]:
        """A mu that is a little more than excluded at `wanted`, and at how much it is excluded."""
        mu, too_low, too_high = 1.0, 0.0, np.inf
        for _ in range(40):
            reached = self.exclusion(mu)
            if wanted <= reached <= 1.5 * wanted:
                return mu, reached
            too_low, too_high = (mu, too_high) if reached < wanted else (too_low, mu)
            mu *= float(np.clip(1.05 * wanted / max(reached, 1e-3), 0.1, 10.0))
            if (too_low > 0.0 and too_high < np.inf) or not too_low < mu < too_high:
                mu = 0.5 * (too_low + too_high)  # proportion alone goes to and fro where mu is far from linear
        raise InputError(
            f"{WHERE}: no signal strength up to {mu:.3g} is told from the background; check that the uncertainties do "
            "not allow the background to look like the signal"
        )

    def _root(self, tested: float, truth: float) -> float:
        """Square root of -2 ln of the profile likelihood ratio of `tested`, on Asimov data of `truth`."""
        at_truth = self._parameters(truth)
        data = self._model.expected_data(at_truth)
        least = self._likelihood.twice_nll(at_truth, data, self._model)
        return float(np.sqrt(max(float(np.squeeze(self._profiled(tested, data, at_truth) - least)), 0.0)))

    def _profiled(self, mu: float, data: Any, start: Floats) -> Any:
        """-2 ln of the likelihood of the data, the greatest for this mu."""
        if self._model.config.npars == 1:
            return self._likelihood.twice_nll(self._parameters(mu), data, self._model)
        bounds = self._model.config.suggested_bounds()
        bounds[self._model.config.poi_index] = (0.0, 1.0 + max(mu, start[self._model.config.poi_index]))
        settings = {"init_pars": start.tolist(), "par_bounds": bounds, "do_stitch": True, "maxiter": 1000}
        try:
            _, fitted = self._likelihood.fixed_poi_fit(mu, data, self._model, return_fitted_val=True, **settings)
        except pyhf().exceptions.FailedMinimization as error:
            raise InputError(
                f"{WHERE}: the fit of the nuisance parameters does not converge at mu = {mu:.3g} ({error}); take wider "
                "bins or fewer shape uncertainties"
            ) from error
        return fitted

    def _parameters(self, mu: float) -> Floats:
        parameters = self._nominal.copy()
        parameters[self._model.config.poi_index] = mu
        return parameters
