package dev.aerie.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.Stores;
import dev.aerie.store.TeacherRows;
import dev.aerie.testing.ForeignReaders;
import dev.aerie.testing.LocalSpark;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the Python of docs/store.md reads is what Spark reads. Skipped where Python lacks pyarrow or DuckDB. */
class ForeignReadersIT {

    /** No multiple of 64, so that the last group of int8 is short. */
    private static final int HIDDEN = 72;

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final SparkSession spark = LocalSpark.session();

    static Stream<Arguments> layouts() {
        return Codec.byName().values().stream().flatMap(codec -> Stream.of(Container.values())
                .flatMap(container -> Stream.of(TeacherRows.values()).map(rows -> Arguments.of(codec, container, rows))));
    }

    private Path store(Codec codec, Container container, TeacherRows rows) throws IOException {
        Path place = folder.resolve("store");
        HiddenStateStore store = HiddenStateStore.create(
                place.toString(), new Configuration(), Stores.settings(container, codec, rows, HIDDEN, 2));
        List<Stores.Sample> samples = new ArrayList<>(Stores.samples(seed, HIDDEN, 300, 1, 256, 20, 513));
        Stores.Sample held = Stores.sample("c9", 40, HIDDEN, seed + 9);
        samples.add(new Stores.Sample("c9", Part.HELD_OUT, held.ids(), new boolean[40], held.aux(), held.last()));
        Stores.commit(store, 0, samples.subList(0, 3));
        Stores.commit(store, 1, samples.subList(3, 6));
        spark.createDataFrame(samples.stream().map(s -> RowFactory.create(s.id(), s.part().text(), "source")).toList(),
                new StructType().add("id", DataTypes.StringType).add("part", DataTypes.StringType)
                        .add("source", DataTypes.StringType)).write().parquet(place.resolve("tokens").toString());
        store.complete();
        return place;
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void pyarrowDuckDbAndSparkReadTheSame(Codec codec, Container container, TeacherRows rows) throws Exception {
        ForeignReaders.require();
        Path store = store(codec, container, rows);
        List<String> expected = ForeignReaders.spark(spark, store.toString(), Map.of());
        assertEquals(6, expected.size());
        for (String reader : List.of(ForeignReaders.PYARROW, ForeignReaders.DUCKDB)) {
            assertEquals(expected, ForeignReaders.python(reader, store.toString(), folder), reader + ", seed " + seed);
        }
    }

    @Test
    void theExamplesRun() throws Exception {
        ForeignReaders.require();
        String printed = String.join("\n",
                ForeignReaders.examples(store(Codec.of("bf16"), Container.PARQUET, TeacherRows.STRICT), folder));
        assertTrue(printed.contains("c0 train 300 ") && printed.contains("held_out") && printed.contains("1090"), printed);
    }
}
