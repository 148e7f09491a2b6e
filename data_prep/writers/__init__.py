"""Writers: samples of this project, turned into formats for analysis elsewhere."""
