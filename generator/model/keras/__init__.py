"""All that knows Keras: loading model files and running them. Import it only when a model is opened."""
