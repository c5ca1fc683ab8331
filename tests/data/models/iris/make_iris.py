"""The usual first notebook: a default random forest on iris, saved with joblib.

Run it with any working directory; the files are written beside this script.
"""

import json
import platform
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

here = Path(__file__).resolve().parent

# RandomForestClassifier() takes its random numbers from NumPy's global generator,
# so seeding that one makes the notebook repeatable without changing a line of it.
np.random.seed(0)

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=42)

model = RandomForestClassifier()
model.fit(X_train, y_train)
joblib.dump(model, here / "random_forest_model.pkl")

labels = model.predict(X_test)
print(labels)

(here / "printed.txt").write_text(f"{labels}\n")
np.save(here / "X_test.npy", X_test)
np.save(here / "labels.npy", labels)
np.save(here / "probabilities.npy", model.predict_proba(X_test))
(here / "versions.json").write_text(
    json.dumps(
        {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "joblib": joblib.__version__,
            "machine": platform.machine(),
        },
        indent=2,
    )
    + "\n"
)
