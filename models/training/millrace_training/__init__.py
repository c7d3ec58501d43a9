"""Training of the models that Millrace serves: load, fit, measure, export, check, publish."""
