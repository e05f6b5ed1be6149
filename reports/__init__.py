"""Reports of the project: papers regenerated, and measurements of the project itself."""
