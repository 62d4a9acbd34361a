"""Words that no concept of ours stands for; they set, and test, the border of what is read as its neighbours."""

from __future__ import annotations

_ABSTRACT = (
    "justice,freedom,democracy,quarterly report,inflation,happiness,sadness,anger,friendship,love,loyalty,courage,"
    "philosophy,mathematics,algebra,theorem,economy,tax return,contract,lawsuit,policy,strategy,meeting minutes,"
    "budget,profit margin,stock market,interest rate,history,geography,grammar,syntax,irony,metaphor,rumor,secret,"
    "promise,apology,opinion,argument,conclusion,hypothesis,probability,randomness,gravity,entropy,momentum,"
    "temperature,voltage,frequency,algorithm,software license,password,deadline,schedule,birthday,anniversary,"
    "yesterday,tomorrow,century,childhood,retirement,ambition,jealousy,boredom,silence,noise,echo,wisdom,nonsense"
)
_NONSENSE = (
    "flibbertigibbet,blorp,zxqvy,snargle,quuxen,wibblefrotz,grobnik,plinketyplonk,fnord,glimpfle,xyzzy,brumbletwist,"
    "dingleflop,vorpal,mimsy,jabberwock,slithy tove,kwyjibo,frabjous,zorblax,tralfamador,gribble,snood,thneed"
)
_THINGS = (
    "x-ray,fingerprint,dna,molecule,atom,galaxy,black hole,comet,nebula,bacteria,virus,neuron,skeleton,kidney,liver,"
    "tattoo,beard,mustache,eyebrow,fingernail,shadow,rainbow,lightning,tornado,hurricane,fog,snowflake,icicle,puddle,"
    "wedding,funeral,concert,parade,graduation,handshake,kiss,smile,passport,receipt,invoice,barcode,diploma,"
    "blueprint,circuit diagram,flowchart,spreadsheet,signature,stamp,coin,banknote,credit card,diamond,emerald,"
    "gold bar,brick,cement,asphalt,gravel,plastic,rubber band,thread,zipper,escalator,elevator,turbine,satellite,"
    "telescope,robot,drone,hologram,oil painting,sculpture,graffiti,fresco,mosaic,origami,fireworks,bonfire"
)
_EVERYDAY = (
    "tree,grass,forest,river,snow,sunset,sky,cloud,rain,sea,ocean,road,street,sidewalk,garden,park,field,desert,rock,"
    "sand,house,kitchen,bathroom,bedroom,office,garage,balcony,roof garden,staircase,ladder,wheelchair,hammock,"
    "egg,cheese,grapes,cherry,peach,pear,melon,croissant,sushi,noodles,rice,soup,salad,steak,sausage,bacon,butter,"
    "honey,jam,chocolate,cookie,tulip,rose,sunflower,lily,cactus,bamboo,palm tree,leaf,branch,statue,painting,"
    "poster,map,newspaper,magazine,letter,flag,fire,smoke,helicopter,rocket engine,crane operator,bulldozer,"
    "excavator,tricycle rider,roller skates,bowling ball,chess board,playing cards,dice,doll,puppet,lego,"
    "nurse,doctor,soldier,policeman,fireman,chef,waiter,farmer,sailor,king,queen,clown,santa claus,mailman,"
    "ear,nose,hand,foot,hair,eye,tooth,bone,feather,fur,shell,egg shell,nest,web page,cave painting,hut,igloo,"
    "pyramid,ruins,stadium,airport,train station,hospital,school,museum,market,swimming pool,playground,bridge toll,"
    "needle,button,ribbon,candlestick,perfume ad,soap,sponge,toothpaste,shampoo,comb,razor,tissue,blanket,mattress,"
    "coffee table,lamp post,mirror ball,chandelier,fireplace,radiator valve,light bulb,battery,cable,plug,antenna"
)

UNKNOWN_WORDS: tuple[str, ...] = tuple(f"{_ABSTRACT},{_NONSENSE},{_THINGS},{_EVERYDAY}".split(","))
