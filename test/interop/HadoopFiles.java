import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.util.ReflectionUtils;
import org.apache.hadoop.util.ToolRunner;

/**
 * Reads files of any file system of Hadoop, open ones too, as told line by line. Words are apart by
 * tabs; a codec is what the file as a whole is compressed with, `-` if it is not.
 *
 * <pre>
 *   sequence URI -      what its header says, then each key and value
 *   avro URI CODEC      codec and schema, then each record as JSON
 *   bytes URI CODEC     all that is in it
 *   text URI -          what `hadoop fs -text` prints
 * </pre>
 *
 * Answers with lines, and `ok` or `failed` with the reason as the last one. Bytes are in base64;
 * values of more than 1000 bytes are `#`, their size, and their SHA-256.
 */
public class HadoopFiles {
  private static final PrintStream out =
      new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private static final Configuration configuration = new Configuration();

  public static void main(String[] args) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split("\t");
      try {
        read(words[0], new Path(words[1]), words[2]);
        out.println("ok");
      } catch (Exception | LinkageError problem) {
        out.println("failed " + problem.toString().replace('\n', ' '));
      }
      out.flush();
    }
  }

  private static void read(String kind, Path path, String codec) throws Exception {
    if (kind.equals("text")) {
      out.println(base64(textOf(path)));
      return;
    }
    FSDataInputStream file = path.getFileSystem(configuration).open(path);
    if (kind.equals("sequence")) {
      readSequenceFile(path, file);
      return;
    }
    try (InputStream in = codec.equals("-") ? file : decompressed(file, codec)) {
      if (kind.equals("avro")) readAvro(in);
      else out.println(base64(in.readAllBytes()));
    }
  }

  private static InputStream decompressed(InputStream in, String name) throws IOException {
    CompressionCodec codec = new CompressionCodecFactory(configuration).getCodecByName(name);
    if (codec == null) throw new IOException("no codec " + name);
    return codec.createInputStream(in);
  }

  /** The NameNode doesn't know how long an open file is. */
  private static void readSequenceFile(Path path, FSDataInputStream in) throws Exception {
    long length =
        in instanceof HdfsDataInputStream open
            ? open.getVisibleLength()
            : path.getFileSystem(configuration).getFileStatus(path).getLen();
    try (SequenceFile.Reader reader =
        new SequenceFile.Reader(
            configuration,
            SequenceFile.Reader.stream(in),
            SequenceFile.Reader.length(length))) {
      CompressionCodec codec = reader.getCompressionCodec();
      out.println(
          reader.getKeyClassName() + " " + reader.getValueClassName() + " "
              + reader.getCompressionType() + " "
              + (codec == null ? "-" : codec.getClass().getName()) + " "
              + reader.getMetadata().getMetadata());
      LongWritable key = new LongWritable();
      Writable value =
          (Writable) ReflectionUtils.newInstance(reader.getValueClass(), configuration);
      while (reader.next(key, value)) out.println(key.get() + " " + shown(bytesOf(value)));
    }
  }

  private static byte[] bytesOf(Writable value) {
    if (value instanceof Text text) return Arrays.copyOf(text.getBytes(), text.getLength());
    return ((BytesWritable) value).copyBytes();
  }

  private static void readAvro(InputStream in) throws IOException {
    try (DataFileStream<Object> reader = new DataFileStream<>(in, new GenericDatumReader<>())) {
      String codec = reader.getMetaString("avro.codec");
      out.println((codec == null ? "-" : codec) + " " + reader.getSchema());
      GenericDatumWriter<Object> writer = new GenericDatumWriter<>(reader.getSchema());
      for (Object datum : reader) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(reader.getSchema(), line);
        writer.write(datum, encoder);
        encoder.flush();
        out.println(line.toString(StandardCharsets.UTF_8));
      }
    }
  }

  private static byte[] textOf(Path path) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true));
    try {
      int code = ToolRunner.run(configuration, new FsShell(), new String[] {"-text", "" + path});
      if (code != 0) throw new IOException("fs -text ended with " + code);
    } finally {
      System.setOut(before);
    }
    return printed.toByteArray();
  }

  private static String shown(byte[] bytes) throws Exception {
    if (bytes.length <= 1000) return base64(bytes);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
    return "#" + bytes.length + " " + HexFormat.of().formatHex(digest);
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
