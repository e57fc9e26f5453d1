"""Amazon Bedrock: Converse, whole and streamed, and the list of models."""
