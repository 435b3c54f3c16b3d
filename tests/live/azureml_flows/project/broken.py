raise ValueError("the data is missing")
