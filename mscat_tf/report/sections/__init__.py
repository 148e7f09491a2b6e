"""The sections of a page, one file each, in their order."""

from mscat_tf.report.section import SectionMaker
from mscat_tf.report.sections.attention import attention_section
from mscat_tf.report.sections.calibration import calibration_section
from mscat_tf.report.sections.comparison import comparison_section
from mscat_tf.report.sections.events import events_section
from mscat_tf.report.sections.explanation import explanation_section
from mscat_tf.report.sections.grad_cam import grad_cam_section
from mscat_tf.report.sections.overview import overview_section
from mscat_tf.report.sections.provenance import provenance_section
from mscat_tf.report.sections.sample import sample_section
from mscat_tf.report.sections.selection import selection_section
from mscat_tf.report.sections.separation import separation_section
from mscat_tf.report.sections.similarity import similarity_section
from mscat_tf.report.sections.training import training_section

SECTIONS: tuple[SectionMaker, ...] = (
    overview_section,
    comparison_section,
    sample_section,
    training_section,
    separation_section,
    selection_section,
    calibration_section,
    attention_section,
    grad_cam_section,
    events_section,
    explanation_section,
    similarity_section,
    provenance_section,
)
