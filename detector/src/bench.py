# Waits for orders and answers with seconds: fit, batch or one. The rows come first, as 64-bit floats.
import sys
import time

try:
    import numpy
    import sklearn
    from sklearn.ensemble import IsolationForest
except ImportError as reason:
    print(f"missing {reason}", flush=True)
    sys.exit(0)

rows, columns = int(sys.argv[1]), int(sys.argv[2])
print(f"ready {sklearn.__version__}", flush=True)
data = numpy.frombuffer(sys.stdin.buffer.read(rows * columns * 8), dtype="<f8").reshape(rows, columns)
forest = IsolationForest(n_estimators=100, max_samples=256, random_state=0, n_jobs=1).fit(data)
for order in sys.stdin.buffer:
    begin = time.perf_counter()
    if order.strip() == b"fit":
        IsolationForest(n_estimators=100, max_samples=256, random_state=0, n_jobs=1).fit(data)
    elif order.strip() == b"batch":
        forest.score_samples(data)
    else:
        forest.score_samples(data[7:8])
    print(time.perf_counter() - begin, flush=True)
