"""Physical constants, each with unit and source. Masses in GeV."""

HIGGS_MASS = 125.11
"""Mass of the light Higgs boson [GeV]; ATLAS, Phys. Rev. Lett. 131, 251802 (2023), and arXiv:2401.00452."""

TOP_MASS = 172.5
"""Mass of the top quark [GeV]; the value used by ATLAS and CMS simulations."""

BOTTOM_MASS = 4.8
"""Mass of the bottom quark in the parton shower [GeV]; Pythia 8 default `5:m0`."""

CHARGED_PION_MASS = 0.13957039
"""Mass assigned to tracks that are neither electron nor muon [GeV]; PDG 2024."""

ELECTRON_MASS = 0.00051099895
"""Electron mass [GeV]; PDG 2024."""

MUON_MASS = 0.1056583755
"""Muon mass [GeV]; PDG 2024."""

PICOBARN_IN_FEMTOBARN = 1000.0
"""Femtobarn in one picobarn."""

MILLIBARN_IN_FEMTOBARN = 1e12
"""Femtobarn in one millibarn, the unit in which Pythia 8 quotes cross-sections."""

LOGARITHM_FLOOR = 1e-3
"""Masses, momenta and energies below this [GeV] count as this before a logarithm: a massless jet has no other."""
