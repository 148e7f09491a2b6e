"""The whole potential of two complex doublets and its exact derivatives, written without the formulas under test."""

import itertools

import numpy as np

FIELDS = 8
"""Re, Im of the upper and of the lower component of P1, then of P2; the real lower ones carry the vacuum."""


def potential(fields, quartics, mass_parameters):
    """V [GeV^4] of `(..., 8)` canonically normalised real fields [GeV], as the standard convention prints it."""
    parts = (fields[..., 0::2] + 1j * fields[..., 1::2]) / np.sqrt(2.0)
    one, two = parts[..., :2], parts[..., 2:]
    one_one, two_two = np.sum(np.abs(one) ** 2, -1), np.sum(np.abs(two) ** 2, -1)
    one_two = np.sum(one.conj() * two, -1)
    q, (m11, m22, m12) = quartics, mass_parameters
    mass_terms = m11 * one_one + m22 * two_two - 2.0 * np.real(m12 * one_two)
    diagonal = q.lambda_1 / 2.0 * one_one**2 + q.lambda_2 / 2.0 * two_two**2 + q.lambda_3 * one_one * two_two
    mixed = q.lambda_4 * np.abs(one_two) ** 2 + 2.0 * np.real(q.lambda_5 / 2.0 * one_two**2)
    return mass_terms + diagonal + mixed + 2.0 * np.real((q.lambda_6 * one_one + q.lambda_7 * two_two) * one_two)


def talk_potential(fields, printed, mass_parameters):
    """The same, letter by letter as the talk on arXiv:2401.00452 prints it (`printed`: lambda_1 to lambda_7)."""
    parts = (fields[..., 0::2] + 1j * fields[..., 1::2]) / np.sqrt(2.0)
    one, two = parts[..., :2], parts[..., 2:]
    one_one, two_two = np.sum(np.abs(one) ** 2, -1), np.sum(np.abs(two) ** 2, -1)
    one_two = np.sum(one.conj() * two, -1)
    (l1, l2, l3, l4, l5, l6, l7), (m11, m22, m12) = printed, mass_parameters
    bracket = l5 * one_two**2 + (l6 * one_one + l7 * two_two) * one_two
    return (
        m11 * one_one
        + m22 * two_two
        - (m12 * one_two + (m12 * one_two).conj()).real
        + l1 * one_one**2
        + l2 * two_two**2
        + l3 * one_one * two_two
        + l4 * np.abs(one_two) ** 2
        + 0.5 * (bracket + bracket.conj()).real
    )


def derivative(function, at, directions, step):
    """Mixed derivative of a quartic polynomial along some directions: differences, exact but for rounding."""
    order = len(directions)

    def difference(size):
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=order)))
        values = function(at + size * signs @ np.asarray(directions))
        return np.sum(signs.prod(axis=1) * values) / (2.0 * size) ** order

    if order >= 3:  # the next term would need a derivative of order five or more, which vanishes
        return difference(step)
    return (4.0 * difference(step) - difference(2.0 * step)) / 3.0  # removes the one next term
