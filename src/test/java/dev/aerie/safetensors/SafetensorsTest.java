package dev.aerie.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {

    @TempDir
    Path folder;

    @Test
    void writesWhatItReads() throws IOException {
        Path file = folder.resolve("model.safetensors");
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.of(new float[] {1, -2, 3.5f, 0}, 2, 2);
            Map<String, Tensor> tensors = Map.of(
                    "half", x.to(DType.BF16),
                    "transposed", x.transpose(0, 1),
                    "ids", Tensor.of(new long[] {1L << 40}, 1),
                    "mask", Tensor.of(new boolean[] {true, false, true}, 3),
                    "scalar", x.sum(),
                    "empty", Tensor.zeros(DType.F32, Device.CPU, 0, 4));
            SafetensorsWriter.write(file, tensors, Map.of("format", "pt"));
            ByteArrayOutputStream stream = new ByteArrayOutputStream();
            SafetensorsWriter.write(stream, tensors, Map.of("format", "pt"));
            assertArrayEquals(Files.readAllBytes(file), stream.toByteArray());
            assertEquals(List.of(file), Files.list(folder).toList());
            Tensor kept;
            try (SafetensorsFile read = SafetensorsFile.open(file)) {
                assertEquals(List.of("ids", "empty", "scalar", "transposed", "half", "mask"), List.copyOf(read.names()));
                assertEquals(Map.of("format", "pt"), read.metadata());
                assertEquals(DType.BF16, read.dtype("half"));
                assertArrayEquals(new float[] {1, -2, 3.5f, 0}, read.tensor("half").toFloats());
                assertArrayEquals(new float[] {1, 3.5f, -2, 0}, read.tensor("transposed").toFloats());
                assertArrayEquals(new long[] {1L << 40}, read.tensor("ids").toLongs());
                assertArrayEquals(new long[] {1, 0, 1}, read.tensor("mask").toLongs());
                assertArrayEquals(new long[] {0, 4}, read.tensor("empty").shape());
                assertEquals(2.5, read.tensor("scalar").item());
                kept = read.tensor("transposed");
                assertEquals("Missing tensor: other in " + file,
                        assertThrows(RefusalException.class, () -> read.tensor("other")).getMessage());
            }
            kept.zero_();
            try (SafetensorsFile read = SafetensorsFile.open(file)) {
                assertArrayEquals(new float[] {1, 3.5f, -2, 0}, read.tensor("transposed").toFloats(),
                        "the file is never written");
            }
        }
    }

    @Test
    void copiesWhatIsNotAligned() throws IOException {
        ByteBuffer data = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN).put((byte) 7).putFloat(1.5f).putFloat(-8);
        Path file = write("""
                {"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""",
                data.array());
        try (SafetensorsFile read = SafetensorsFile.open(file); Scope scope = Scope.open()) {
            assertArrayEquals(new float[] {1.5f, -8}, read.tensor("x").toFloats());
        }
    }

    static Stream<Arguments> damagedHeaders() {
        String x = "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]";
        return Stream.of(
                Arguments.of("{\"x\":{" + x, "the header is not JSON: "),
                Arguments.of("[1, 2]", "the header is not a JSON object"),
                Arguments.of("{\"x\":{" + x + "},\"x\":{" + x + "}}", "the header is not JSON: Duplicate field 'x'"),
                Arguments.of("{\"x\":{" + x.replace("F32", "F7") + "}}", "x has dtype \"F7\" (expected one of U8, I8"),
                Arguments.of("{\"x\":{" + x.replace("[2]", "[-2]") + "}}", "x has shape [-2] (expected a list of whole numbers"),
                Arguments.of("{\"x\":{" + x.replace("[2]", "[2.5]") + "}}", "x has shape [2.5]"),
                Arguments.of("{\"x\":{" + x.replace("[2]", "[3]") + "}}", "x has 8 bytes (expected 12 for F32[3])"),
                Arguments.of("{\"x\":{" + x.replace("[2]", "[4611686018427387904,4611686018427387904]") + "}}",
                        "x has shape [4611686018427387904, 4611686018427387904], more than any file holds"),
                Arguments.of("{\"x\":{" + x.replace("[0,8]", "[8,0]") + "}}", "x has data_offsets [8,0] (expected [begin, end])"),
                Arguments.of("{\"x\":{" + x.replace("[0,8]", "[0,8,9]") + "}}", "x has data_offsets [0,8,9]"),
                Arguments.of("{\"x\":{" + x.replace("[0,8]", "[4,12]") + "}}", "x ends at byte 12 of the 8 that the file holds"),
                Arguments.of("{\"x\":{" + x.replace("[0,8]", "[0,99999999999999999999]") + "}}", "x has data_offsets"),
                Arguments.of("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        "no tensor owns bytes 0 to 4, before x"),
                Arguments.of("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                        "no tensor owns bytes 4 to 8, after x"),
                Arguments.of("{\"x\":{" + x + "},\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        "y starts at byte 4, inside x (which ends at 8)"),
                Arguments.of("{\"x\":{" + x + "},\"__metadata__\":{\"a\":1}}", "__metadata__.a is not a string"),
                Arguments.of("{\"x\":7}", "x has dtype  (expected"));
    }

    @ParameterizedTest
    @MethodSource("damagedHeaders")
    void refusesDamagedHeaders(String header, String message) throws IOException {
        Path file = write(header, new byte[8]);
        refuses(file, "Invalid safetensors file: " + file + ": " + message);
    }

    @Test
    void refusesMissingEmptyAndTruncatedFiles() throws IOException {
        Path file = folder.resolve("model.safetensors");
        refuses(file, "Missing safetensors file: " + file);
        Files.write(file, new byte[3]);
        refuses(file, "Invalid safetensors file: " + file + ": 3 bytes long");
        for (long length : new long[] {-1, 0, 1, 9, 1L << 40, Long.MIN_VALUE}) {
            Files.write(file, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
            refuses(file, "Invalid safetensors file: " + file + ": header length " + Long.toUnsignedString(length));
        }
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(file, Map.of("x", Tensor.of(new float[] {1, 2, 3}, 3)), Map.of());
        }
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        refuses(file, "Invalid safetensors file: " + file + ": x ends at byte 12 of the 11 that the file holds");
    }

    @Test
    void anIndexMustAgreeWithItsFiles() throws IOException {
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(folder.resolve("a.safetensors"), Map.of("x", Tensor.of(new float[] {1}, 1)), Map.of());
            SafetensorsWriter.write(folder.resolve("b.safetensors"), Map.of("y", Tensor.of(new float[] {1}, 1)), Map.of());
        }
        assertIndex("{\"x\": \"a.safetensors\", \"y\": \"b.safetensors\"}", null);
        assertIndex("{\"x\": \"a.safetensors\", \"y\": \"c.safetensors\"}", "lacks c.safetensors");
        assertIndex("{\"x\": \"a.safetensors\", \"y\": \"a.safetensors\"}",
                "y is listed for a.safetensors and does not lie in it");
        assertIndex("{\"x\": \"b.safetensors\", \"y\": \"b.safetensors\"}",
                "x is listed for b.safetensors and does not lie in it");
        assertIndex("{\"x\": \"a.safetensors\", \"y\": \"../b.safetensors\"}", "expected the name of a safetensors file");
        assertIndex("{}", "expected a weight_map");
    }

    private void assertIndex(String map, String message) throws IOException {
        Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\": " + map + "}");
        if (message == null) {
            try (Weights weights = Weights.open(folder)) {
                assertEquals(2, weights.names().size());
            }
            return;
        }
        String said = assertThrows(RefusalException.class, () -> Weights.open(folder).close()).getMessage();
        assertTrue(said.contains(message), said);
    }

    private static void refuses(Path file, String message) {
        String said = assertThrows(RefusalException.class, () -> SafetensorsFile.open(file).close()).getMessage();
        assertTrue(said.startsWith(message), said);
        assertEquals(1, said.lines().count());
    }

    private Path write(String header, byte[] data) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        Path file = folder.resolve("damaged.safetensors");
        Files.write(file, out.putLong(json.length).put(json).put(data).array());
        return file;
    }
}
