"""Detector cards, read by `data_prep.detector_card`."""
