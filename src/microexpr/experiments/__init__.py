"""From a recipe to a run: data, stages, folds, and the folder that stores every prediction."""
