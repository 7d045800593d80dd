"""A classifier behind FastAPI as its tutorials write it: an upload, Pillow, a tensor, torch; PORT MODEL.

The model is the one of a model file, and its pictures are resized as it learnt them; nothing else is ours.
"""

import io
import sys

import torch
import uvicorn
from fastapi import FastAPI, File, UploadFile
from PIL import Image

from striate.runs.predictor import Predictor

app = FastAPI()
opened = Predictor.open(sys.argv[2], onnx=False)
model = opened.model.eval()
how = opened.preprocess
mode = "RGB" if how.channels == 3 else "L"


@app.post("/predict")
async def predict(file: UploadFile = File(...)) -> dict[str, object]:  # noqa: B008
    image = Image.open(io.BytesIO(await file.read())).convert(mode).resize((how.width, how.height))
    tensor = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(how.height, how.width, -1)
    with torch.no_grad():
        logits = model(model.normalise(tensor.permute(2, 0, 1)[None]))
    probabilities = torch.softmax(logits.flatten(1), dim=1)[0].tolist()
    best = max(range(len(probabilities)), key=probabilities.__getitem__)
    return {"class": opened.classes[best], "probability": probabilities[best]}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
