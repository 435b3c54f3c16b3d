import argparse
from pathlib import Path

import joblib
from azureml.core.run import Run
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

run = Run.get_context()
parser = argparse.ArgumentParser()
parser.add_argument("--kernel", type=str, default="linear")
parser.add_argument("--penalty", type=float, default=1.0)
args = parser.parse_args()
run.log("Kernel type", str(args.kernel))
run.log("Penalty", float(args.penalty))

iris = datasets.load_iris()
x_train, x_test, y_train, y_test = train_test_split(iris.data, iris.target, random_state=0)
model = SVC(kernel=args.kernel, C=args.penalty).fit(x_train, y_train)
accuracy = model.score(x_test, y_test)
print(f"Accuracy of SVM classifier on test set: {accuracy:.2f}")
run.log("Accuracy", float(accuracy))
Path("outputs").mkdir(exist_ok=True)
joblib.dump(model, "outputs/model.joblib")
