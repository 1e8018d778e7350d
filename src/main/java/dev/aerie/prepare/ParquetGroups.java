package dev.aerie.prepare;

import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.InputFile;

/** Builds readers of the rows of a Parquet file as groups, in tasks, where there is no SQL. */
final class ParquetGroups extends ParquetReader.Builder<Group> {

    ParquetGroups(InputFile file, Configuration conf) {
        super(file);
        withConf(conf);
    }

    @Override
    protected ReadSupport<Group> getReadSupport() {
        return new GroupReadSupport();
    }
}
