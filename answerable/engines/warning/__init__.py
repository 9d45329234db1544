"""Early warning's numerical part: next year's reported prevalence for each conflict actor, and how far it can be trusted.

What is forecast is what will be *reported* (SVAC's 0-3), never what will happen; absence of reports is not absence.
Arrays and plain rows in, tables out; no framework, no file and no database.
"""
