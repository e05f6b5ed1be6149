"""Run models with inference libraries; operators and networks share these modules.

``load(model, x, threads)`` of each returns a call that runs the model on ``x``. They need no PyTorch.
"""
