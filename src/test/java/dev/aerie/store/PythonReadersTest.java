package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Python of docs/store.md, run on stores of every codec and container; skipped where python3 lacks pyarrow or DuckDB. */
class PythonReadersTest {

    private static final int HIDDEN = 72;
    private static final String STORE = "store = \"out/store\"";

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();

    /** The page's blocks of Python, in order: Parquet, Arrow, the other codecs, DuckDB. */
    private static List<String> blocks() throws IOException {
        String page = Files.readString(Path.of("docs/store.md"));
        return Pattern.compile("```python\n(.*?)```", Pattern.DOTALL).matcher(page).results().map(m -> m.group(1)).toList();
    }

    private static void requireModules(String modules) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder("python3", "-c", "import " + modules).redirectErrorStream(true).start();
        } catch (IOException e) {
            Assumptions.abort("there is no python3");
            return;
        }
        Assumptions.assumeTrue(process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0, "python3 has no " + modules);
    }

    private String run(String script) throws IOException, InterruptedException {
        Path file = folder.resolve("script.py");
        Files.writeString(file, script);
        Path printed = folder.resolve("printed");
        Process process = new ProcessBuilder("python3", file.toString())
                .redirectErrorStream(true).redirectOutput(printed.toFile()).start();
        assertTrue(process.waitFor(120, TimeUnit.SECONDS));
        String out = Files.readString(printed, StandardCharsets.UTF_8);
        assertEquals(0, process.exitValue(), out);
        return out;
    }

    private HiddenStateStore store(Codec codec, Container container) throws IOException {
        HiddenStateStore store = HiddenStateStore.create(folder.resolve(codec + container.text()).toString(), new Configuration(),
                Stores.settings(container, codec, TeacherRows.STRICT, HIDDEN, 1));
        Stores.commit(store, 0, Stores.samples(seed, HIDDEN, 300, 1, 20));
        return store.complete();
    }

    @Test
    void pyarrowReadsEveryCodecFromBothContainers() throws Exception {
        requireModules("pyarrow, numpy");
        List<String> blocks = blocks();
        for (Container container : Container.values()) {
            for (Codec codec : Codec.byName().values()) {
                HiddenStateStore store = store(codec, container);
                String loop = blocks.get(0);
                if (container == Container.ARROW) {
                    String parquet = loop.lines().filter(line -> line.startsWith("for row in ")).findFirst().orElseThrow();
                    String arrow = blocks.get(1).lines().filter(line -> line.startsWith("for row in ")).findFirst().orElseThrow();
                    loop = "import pyarrow as pa\n" + loop.replace(parquet, arrow);
                }
                String two = "(row[f\"aux_{l:02d}_hi\"], row[f\"aux_{l:02d}_lo\"])";
                String teacher = "(row[\"teacher_hi\"], row[\"teacher_lo\"])";
                assertTrue(loop.contains("bf16" + two) && loop.contains("bf16" + teacher), loop);
                String aux = "row[f\"aux_{l:02d}\"]";
                loop = switch (codec.name()) {
                    case "fp8" -> loop.replace("bf16" + two, "fp8(" + aux + ", row[f\"aux_{l:02d}_scale\"], h)")
                            .replace("bf16" + teacher, "fp8(row[\"teacher\"], row[\"teacher_scale\"], h)");
                    case "int8" -> loop.replace("bf16" + two, "int8(" + aux + ", row[f\"aux_{l:02d}_scale\"], h)")
                            .replace("bf16" + teacher, "int8(row[\"teacher\"], row[\"teacher_scale\"], h)");
                    case "f32" -> loop.replace("bf16" + two, "np.frombuffer(" + aux + ", np.float32)")
                            .replace("bf16" + teacher, "np.frombuffer(row[\"teacher\"], np.float32)");
                    default -> loop;
                };
                Path found = folder.resolve("found");
                String codecs = "import numpy as np\n" + blocks.get(2) + "\nout = open('" + found + "', 'wb')\n";
                run(codecs + loop.replace(STORE, "store = '" + folder.resolve(codec + container.text()) + "'")
                        + "    out.write(np.concatenate(aux, axis=1).astype(np.float32).tobytes())\n"
                        + "    out.write(teacher.astype(np.float32).tobytes())\n"
                        + "    out.write(ids.astype(np.int32).tobytes() + mask.astype(np.int32).tobytes())\n");
                assertFound(store, ByteBuffer.wrap(Files.readAllBytes(found)).order(ByteOrder.LITTLE_ENDIAN),
                        codec + " in " + container.text() + ", seed " + seed);
            }
        }
    }

    private static void assertFound(HiddenStateStore store, ByteBuffer found, String where) {
        try (ShardReader reader = store.reader(store.shards().get(0)); Scope scope = Scope.open()) {
            for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                float[] aux = c.get().aux().toFloats();
                float[] teacher = c.get().teacherStates().toFloats();
                int firstAux = 0;
                int firstTeacher = 0;
                for (Chunk chunk : c.get().chunks()) {
                    int taught = c.get().rows(StateField.TEACHER, chunk) * HIDDEN;
                    int width = chunk.tokens() * 3 * HIDDEN;
                    assertArrayEquals(Arrays.copyOfRange(aux, firstAux, firstAux + width), floats(found, width, store), where);
                    assertArrayEquals(Arrays.copyOfRange(teacher, firstTeacher, firstTeacher + taught),
                            floats(found, taught, store), where);
                    for (int id : chunk.sequence().inputIds()) {
                        assertEquals(id, found.getInt(), where);
                    }
                    for (boolean supervised : chunk.sequence().lossMask()) {
                        assertEquals(supervised ? 1 : 0, found.getInt(), where);
                    }
                    firstAux += width;
                    firstTeacher += taught;
                }
            }
        }
        assertEquals(0, found.remaining(), where);
    }

    /** The page's int8 stops before the rounding to bfloat16. */
    private static float[] floats(ByteBuffer found, int count, HiddenStateStore store) {
        float[] out = new float[count];
        for (int i = 0; i < count; i++) {
            out[i] = found.getFloat();
        }
        return store.settings().states().codec().dtype() == DType.BF16 ? Tensor.of(out, count).to(DType.BF16).toFloats() : out;
    }

    @Test
    void duckDbCountsAParquetStore() throws Exception {
        requireModules("duckdb");
        store(Codec.of("bf16"), Container.PARQUET);
        String printed = run(blocks().get(3).replace(STORE, "store = '" + folder.resolve("bf16parquet") + "'"));
        assertTrue(printed.contains("train") && printed.contains("321"), printed);
    }
}
