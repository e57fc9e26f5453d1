"""The batch service behind `/ask`: dependencies between questions, their answers, validation and correction."""
