"""The C++ of docs/inference.md, compiled and run, where a compiler and the headers of onnxruntime are."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mscat_tf.inference.edge_inputs import edge_inputs
from mscat_tf.inference.signature import Signature
from tests.docs.blocks import blocks_of
from tests.inference.conftest import CONSTITUENTS

HEADERS = os.environ.get("ONNXRUNTIME_INCLUDE", "")
DRIVER = r"""
#include <cstdio>
#include <cstdlib>
#include <fstream>

template <class T> std::vector<T> numbers(const char* file, std::size_t n) {
  std::vector<T> found(n);
  std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(found.data()), n * sizeof(T));
  return found;
}

int main(int, char** arguments) {
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "test");
  Ort::Session session(env, arguments[1], Ort::SessionOptions{});
  const std::int64_t n = std::atoi(arguments[2]);
  std::array<std::vector<float>, 2> cloud;
  std::array<std::unique_ptr<bool[]>, 2> mask;
  for (int jet = 0; jet < 2; ++jet) {
    cloud[jet] = numbers<float>(jet ? "constituents_2" : "constituents_1", n * kConstituents * 4);
    const auto real = numbers<unsigned char>(jet ? "mask_2" : "mask_1", n * kConstituents);
    mask[jet] = std::make_unique<bool[]>(real.size());
    for (std::size_t i = 0; i < real.size(); ++i) mask[jet][i] = real[i];
  }
  auto kinematics = numbers<float>("kinematics", n * 3 * 6);
  for (const float score : scores(session, n, cloud, mask, kinematics)) std::printf("%.9g\n", score);
}
"""


@pytest.mark.skipif(not (HEADERS and shutil.which("g++")), reason="set ONNXRUNTIME_INCLUDE to the headers; needs g++")
def test_cpp_gives_the_scores_of_python(run, onnx_file, tmp_path):
    (block,) = (block for block in blocks_of("docs/inference.md") if block.language == "cpp")
    (tmp_path / "as_it_stands.cpp").write_text(block.text)
    text = block.text.replace("kConstituents = 50", f"kConstituents = {CONSTITUENTS}").partition("int main(")[0]
    (tmp_path / "scores.cpp").write_text(text + DRIVER)
    (library,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")
    (tmp_path / "libonnxruntime.so.1").symlink_to(library)  # as the library calls itself
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-isystem", HEADERS]
    for source in ("as_it_stands", "scores"):
        files = [f"{source}.cpp", "libonnxruntime.so.1", "-o", source]
        subprocess.run([*command, *files], cwd=tmp_path, check=True)
    for case, inputs in edge_inputs(Signature.of(run.model.inputs, run.config.data), seed=3).items():
        for name, values in inputs.items():
            values.tofile(tmp_path / name)
        words = [str(tmp_path / "scores"), str(onnx_file), str(len(inputs["kinematics"]))]
        surroundings = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
        printed = subprocess.run(words, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True)
        (wanted,) = onnxruntime.InferenceSession(onnx_file).run(["score"], inputs)
        np.testing.assert_allclose(np.array(printed.stdout.split(), float), wanted, rtol=0, atol=1e-6, err_msg=case)
